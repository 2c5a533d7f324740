"""The one family of errors that a person may read."""

from typing import ClassVar


class Refused(Exception):
    """Something a person asked for was refused; the subclass says what happened, ``text`` says it to them.

    ``text`` may be a lazy translation; it is turned into a string only when shown. ``status`` is the HTTP status
    that fits. Further facts (a price, a moment) are keyword arguments and fill the places in ``text``.
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 409
    text: ClassVar[object] = "Refused"

    def __init__(self, **facts: object) -> None:
        """Keep the facts that fill ``text``."""
        super().__init__(self.code)
        self.facts = facts

    def __str__(self) -> str:
        """Say what happened, in the active language."""
        return str(self.text) % self.facts if self.facts else str(self.text)
