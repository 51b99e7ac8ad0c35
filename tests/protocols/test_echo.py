"""Every byte comes back."""

from __future__ import annotations

from typing import Any

from protocols.echo import Echo


def test_everything_comes_back_and_then_the_end(scene: Any) -> None:
    scene.serve(Echo)
    peer = scene.peer()
    peer.send("one\ntwo")
    peer.end()
    peer.ends()
    assert peer.text == "one\ntwo"


def test_who_does_not_read_is_not_read_from(scene: Any) -> None:
    echoes: list[Echo] = []

    def make() -> Echo:
        echoes.append(Echo())
        return echoes[-1]

    scene.serve(make)
    peer = scene.peer()
    scene.peers.remove(peer)  # nobody reads what comes back
    sent = 0
    chunk = b"x" * 65536

    def stalled() -> bool:
        nonlocal sent
        try:
            sent += peer.sock.send(chunk)
        except BlockingIOError:
            return bool(echoes) and not echoes[0].transport.is_reading()
        return False

    scene.until(stalled)
    waiting = echoes[0].transport.get_write_buffer_size()
    assert waiting < 1024 * 1024, "a read and the watermark, however much was sent"
    scene.peers.append(peer)
    peer.end()
    peer.ends()
    assert len(peer.received) == sent
