"""How a WebSocket ends: codes, which of them may be sent, and the payload of a close frame. Pure (RFC 6455, 7.4)."""

from __future__ import annotations

NORMAL = 1000
GOING_AWAY = 1001  # a server that stops, a page that is left
PROTOCOL_ERROR = 1002
UNSUPPORTED = 1003  # text where only binary makes sense, or the other way round
NO_CODE = 1005  # never sent: the peer's close had no code
ABNORMAL = 1006  # never sent: the connection ended without a close
INVALID_DATA = 1007  # not UTF-8, or not what deflate makes
POLICY = 1008
TOO_BIG = 1009
INTERNAL_ERROR = 1011
TRY_LATER = 1013

MAX_REASON = 123  # bytes of UTF-8: a control frame holds 125, and the code takes two (5.5)


class Violation(Exception):
    """The peer broke the protocol. `code` and `reason` are what its close frame says."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def may_be_sent(code: int) -> bool:
    """Whether a close frame may have this code: registered, of a library (3000 on) or of a program (4000 on).

    1004 has no meaning; 1005, 1006 and 1015 stand for closes without a frame; 1016 to 2999 are for later RFCs.

    >>> [code for code in (999, 1000, 1004, 1006, 1014, 1015, 1016, 3000, 4999, 5000) if may_be_sent(code)]
    [1000, 1014, 3000, 4999]
    """
    return (1000 <= code <= 1014 and code not in (1004, NO_CODE, ABNORMAL)) or 3000 <= code <= 4999


def close_payload(code: int, reason: str = "") -> bytes:
    """What a close frame of ours carries. Raises ValueError for what must not be sent."""
    if not may_be_sent(code):
        raise ValueError(f"{code} is no code that a close frame may have")
    said = reason.encode()
    if len(said) > MAX_REASON:
        raise ValueError(f"the reason is {len(said)} bytes long; a close frame holds {MAX_REASON}")
    return code.to_bytes(2, "big") + said


def read_close(payload: bytes) -> tuple[int, str]:
    """Code and reason of the peer's close frame; NO_CODE where it has none. Raises Violation."""
    if not payload:
        return NO_CODE, ""
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not may_be_sent(code):
        raise Violation(PROTOCOL_ERROR, "a close frame with a code that must not be sent")
    try:
        return code, payload[2:].decode()
    except UnicodeDecodeError:
        raise Violation(INVALID_DATA, "the reason of a close frame is not UTF-8") from None


def cut_reason(reason: str) -> str:
    """As much of `reason` as a close frame holds, in whole characters."""
    return reason.encode()[:MAX_REASON].decode(errors="ignore")
