"""What operators decide of a chat, as the chat asks for it. Knows no operator."""

from __future__ import annotations

from .room import Member


class Authority:
    """Decides who may come in and what nobody may be called, and does what operators type.

    This one forbids nothing and allows nothing: a chat without operators. Set `chat.authority` to one that does more.
    """

    def refuses(self, address: str) -> str | None:
        """Why nobody from `address` may come in; None if it may."""
        return None

    def is_banned(self, name: str) -> bool:
        """Whether nobody may be called `name`."""
        return False

    @property
    def has_passwords(self) -> bool:
        """Whether a member can become an operator by `ask`."""
        return False

    def ask(self, member: Member, password: str) -> None:
        """`member` says that it is an operator. Called only where there are passwords."""

    def operate(self, member: Member, word: str, argument: str) -> bool:
        """Run what a member who is an operator has typed, a command's word and what follows it; false: no command."""
        return False
