"""Words of this room: why a lesson is open or shut, what a player reports, and what is refused."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from kaiying.kit.errors import Refused


class Why(StrEnum):
    """What decided whether a lesson is open."""

    CALENDAR = "calendar"  # the cohort's clock opened it
    PERSONAL = "personal"  # the learner's own clock opened it
    OVERRIDE = "override"  # a person decided
    PREVIEW = "preview"  # the author shows it to everyone
    STAFF = "staff"  # whoever teaches or runs the cohort sees all of it
    NOT_YET = "not_yet"
    EXPIRED = "expired"
    RETIRED = "retired"
    NOT_ENROLLED = "not_enrolled"
    ENDED = "ended"


OPEN = frozenset({Why.CALENDAR, Why.PERSONAL, Why.OVERRIDE, Why.PREVIEW, Why.STAFF})


@dataclass(frozen=True, slots=True)
class Opening:
    """Whether a lesson is open to one learner at one moment, since or from when, and why.

    ``decided_by`` is what set ``opens_at`` also while the lesson is still shut; ``reason`` and ``actor_id`` are those
    of an override; ``catch_up`` marks the earlier days of someone who joined late.
    """

    why: Why
    opens_at: datetime | None = None
    ends_at: datetime | None = None
    decided_by: Why | None = None
    reason: str = ""
    actor_id: int | None = None
    catch_up: bool = False

    @property
    def is_open(self) -> bool:
        """Whether its content may be shown."""
        return self.why in OPEN


@dataclass(frozen=True, slots=True)
class Beat:
    """What a player reports: the stretches it played, in seconds of the video, and where it stands.

    ``position`` is ``None`` when a device only catches up on what it watched earlier. ``cohort_id`` tells the runs of
    one camp apart for someone who is in several; ``None`` means the newest.
    """

    learner_id: int
    lesson_id: int
    spans: list[tuple[float, float]] = field(default_factory=list)
    position: float | None = None
    device: str = ""
    cohort_id: int | None = None


@dataclass(frozen=True, slots=True)
class Merged:
    """What the server holds of a lesson after a beat.

    ``spans`` are the watched stretches, ``watched`` their seconds; ``added`` seconds were new, ``trimmed`` seconds
    were more than the clock allowed.
    """

    lesson_id: int
    watched: int
    spans: list[tuple[int, int]]
    position: float
    position_at: datetime | None
    completed_at: datetime | None
    length: int
    added: int = 0
    trimmed: int = 0


class Locked(Refused):
    """The lesson is there, but not open to this learner now; ``opening`` says why."""

    code: ClassVar[str] = "learning.locked"
    status: ClassVar[int] = 403
    text: ClassVar[object] = _("This lesson is not open yet.")

    def __init__(self, opening: Opening, **facts: object) -> None:
        """Keep what the locked page explains."""
        super().__init__(**facts)
        self.opening = opening


class NoLesson(Refused):
    """There is no such lesson, or it is none of this person's business; both look the same."""

    code: ClassVar[str] = "learning.no_lesson"
    status: ClassVar[int] = 404
    text: ClassVar[object] = _("There is no such lesson.")


class NoVideo(Refused):
    """Seconds were reported for something that is read, not watched."""

    code: ClassVar[str] = "learning.no_video"
    status: ClassVar[int] = 422
    text: ClassVar[object] = _("This lesson has no video.")


class NotFinite(Refused):
    """A beat has numbers that are none."""

    code: ClassVar[str] = "learning.not_finite"
    status: ClassVar[int] = 422
    text: ClassVar[object] = _("The times of this progress report are not numbers.")


class ReasonMissing(Refused):
    """An override needs a reason."""

    code: ClassVar[str] = "learning.reason_missing"
    status: ClassVar[int] = 422
    text: ClassVar[object] = _("Say why. The reason is kept with the change.")


class NothingHandedIn(Refused):
    """A submission has neither text nor picture."""

    code: ClassVar[str] = "learning.nothing_handed_in"
    status: ClassVar[int] = 422
    text: ClassVar[object] = _("Write something or add a picture, then hand in.")


class TextTooLong(Refused):
    """More text than fits."""

    code: ClassVar[str] = "learning.text_too_long"
    status: ClassVar[int] = 422
    text: ClassVar[object] = _("This is longer than %(most)s characters. Shorten it; nothing you typed is lost.")


class NoteEmpty(Refused):
    """A note without words."""

    code: ClassVar[str] = "learning.note_empty"
    status: ClassVar[int] = 422
    text: ClassVar[object] = _("The note is empty. Write a few words.")


class TooManyNotes(Refused):
    """A lesson has as many notes as one can keep."""

    code: ClassVar[str] = "learning.too_many_notes"
    status: ClassVar[int] = 409
    text: ClassVar[object] = ngettext_lazy(
        "This lesson already has %(most)d note. Delete one first.",
        "This lesson already has %(most)d notes. Delete some first.",
        "most",
    )
