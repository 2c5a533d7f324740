"""Whom to contact and why: pure rules over what one learner did, at hour scale."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils.translation import gettext, ngettext

from kaiying.groups.vocabulary import ReasonKind, Standing

AWAY_AFTER = timedelta(hours=20)
STUCK_OPENINGS = 3
STUCK_WITHIN = 30.0
DAYS_WITHOUT_CHECK_IN = 2
HAND_IN_GRACE = timedelta(hours=12)
SLOW_SHARE = 0.75
HOUR = timedelta(hours=1)
HALF, NEARLY, ALL = 40, 80, 100


@dataclass(frozen=True, slots=True)
class Watch:
    """One learner and one lesson: is it open to them, and how far have they come (seconds of the video)."""

    label: str
    day: int
    length: int
    is_open: bool
    ref: str = ""
    title: object = ""
    opened_count: int = 0
    seconds: int = 0
    position: float = 0
    farthest: int = 0
    touched_at: datetime | None = None
    is_complete: bool = False

    @property
    def percent(self) -> int:
        """How much of it was watched: 100 only when complete, 0 only when nothing."""
        if self.is_complete:
            return ALL
        if not self.length or not self.seconds:
            return 0
        return min(99, max(1, self.seconds * 100 // self.length))

    @property
    def level(self) -> str:
        """The step of the heat ramp: ``x`` locked, 0 not opened, 1 a little, 2 half, 3 nearly, 4 complete."""
        if not self.is_open and not self.is_complete and not self.seconds:
            return "x"
        if self.is_complete:
            return "4"
        if not self.touched_at:
            return "0"
        return "1" if self.percent < HALF else "2" if self.percent < NEARLY else "3"

    @property
    def is_pending(self) -> bool:
        """Tell whether it is open and not complete."""
        return self.is_open and not self.is_complete

    @property
    def minutes_left(self) -> int:
        """How many minutes of it are unwatched; at least one."""
        return max(1, -(-(self.length - self.seconds) // 60))


@dataclass(frozen=True, slots=True)
class Duty:
    """One learner and one task with a deadline: a check-in or a submission."""

    day: int
    is_open: bool
    due_at: datetime
    done_at: datetime | None = None

    @property
    def is_late(self) -> bool:
        """Tell whether it was done after its deadline."""
        return self.done_at is not None and self.done_at > self.due_at

    def is_overdue(self, at: datetime, grace: timedelta = timedelta(0)) -> bool:
        """Tell whether it is not done and its deadline, plus some grace, is over."""
        return self.is_open and self.done_at is None and at > self.due_at + grace


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at: one learner's lessons and duties in order, since when they could begin, last seen."""

    began_at: datetime
    ends_at: datetime
    last_seen_at: datetime | None
    today: int
    watches: Sequence[Watch] = ()
    check_ins: Sequence[Duty] = ()
    submissions: Sequence[Duty] = ()

    @property
    def pending(self) -> Watch | None:
        """The lesson to go on with: the one touched last and not complete, else the first not complete."""
        open_ones = [watch for watch in self.watches if watch.is_pending]
        touched = [watch for watch in open_ones if watch.touched_at is not None]
        if touched:
            return max(touched, key=lambda watch: watch.touched_at or self.began_at)
        return next(iter(open_ones), None)

    @property
    def pace(self) -> float:
        """How many of today's lessons were watched, in lessons."""
        return sum(watch.percent for watch in self.watches if watch.day == self.today and watch.is_open) / ALL


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a learner should be contacted, in a sentence; the heavier, the sooner."""

    kind: ReasonKind
    weight: float
    facts: dict[str, object] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Say it to the head teacher, in the active language."""
        return SENTENCES[self.kind](self.facts)


def reasons(facts: Facts, *, at: datetime) -> tuple[Reason, ...]:
    """Return why this learner should be contacted at ``at``, the weightiest first; nothing when all is well."""
    if at < facts.began_at or at >= facts.ends_at:
        return ()
    found = [rule(facts, at) for rule in (_away, _stuck, _no_check_in, _not_handed_in)]
    return tuple(sorted((reason for reason in found if reason), key=lambda reason: -reason.weight))


def is_behind(facts: Facts, *, class_pace: float, at: datetime) -> bool:
    """Tell whether a learner without a reason is a little behind.

    That is: a lesson of an earlier day is not complete, a deadline passed without the task, or today they have come
    less than three quarters as far as the class on average.
    """
    if at < facts.began_at or at >= facts.ends_at:
        return False
    earlier = any(watch.is_pending and watch.day < facts.today for watch in facts.watches)
    overdue = any(duty.is_overdue(at) for duty in (*facts.check_ins, *facts.submissions))
    return earlier or overdue or facts.pace < class_pace * SLOW_SHARE


def standing(found: Sequence[Reason], facts: Facts, *, class_pace: float, at: datetime) -> Standing:
    """Sort a learner into one of the three sections."""
    if found:
        return Standing.CONTACT
    return Standing.SLOW if is_behind(facts, class_pace=class_pace, at=at) else Standing.FINE


def _away(facts: Facts, at: datetime) -> Reason | None:
    """Nobody saw them for many hours while something waited for them."""
    waits = facts.pending or any(d.is_open and d.done_at is None for d in (*facts.check_ins, *facts.submissions))
    since = max(facts.last_seen_at or facts.began_at, facts.began_at)
    if not waits or at - since < AWAY_AFTER:
        return None
    hours = (at - since) // HOUR
    stopped = facts.pending if facts.pending and facts.pending.position else None
    return Reason(
        ReasonKind.AWAY,
        100 + min(hours, 96),
        {
            "hours": hours,
            "came": facts.last_seen_at is not None and facts.last_seen_at >= facts.began_at,
            "lesson": stopped.label if stopped else "",
            "place": place_text(stopped.position) if stopped else "",
        },
    )


def _stuck(facts: Facts, _at: datetime) -> Reason | None:
    """They opened a lesson again and again and never came past the place where they stand."""
    for watch in facts.watches:
        at_the_front = watch.farthest and abs(watch.position - watch.farthest) <= STUCK_WITHIN
        if watch.is_pending and watch.opened_count >= STUCK_OPENINGS and at_the_front:
            place = place_text(watch.farthest)
            return Reason(
                ReasonKind.STUCK,
                80 + watch.opened_count,
                {"lesson": watch.label, "count": watch.opened_count, "place": place},
            )
    return None


def _no_check_in(facts: Facts, at: datetime) -> Reason | None:
    """Count the latest days in a row without a check-in; today counts once a day before it is missing too."""
    days = 0
    for duty in reversed([duty for duty in facts.check_ins if duty.is_open]):
        if duty.done_at is not None:
            break
        days += 1
    missed = any(duty.is_overdue(at) for duty in facts.check_ins)
    if days < DAYS_WITHOUT_CHECK_IN or not missed:
        return None
    watching = any(watch.touched_at and at - watch.touched_at < AWAY_AFTER for watch in facts.watches)
    return Reason(ReasonKind.NO_CHECK_IN, 60 + 5 * days, {"days": days, "watching": watching})


def _not_handed_in(facts: Facts, at: datetime) -> Reason | None:
    """Look for a submission whose deadline is well past."""
    for duty in facts.submissions:
        if duty.is_overdue(at, HAND_IN_GRACE):
            hours = (at - duty.due_at) // HOUR
            return Reason(ReasonKind.NOT_HANDED_IN, 40 + min(hours, 48) / 4, {"day": duty.day, "hours": hours})
    return None


def place_text(seconds: float) -> str:
    """Write a place in a video: 192 → 03:12."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes:02}:{rest:02}"


def _say_away(facts: dict[str, object]) -> str:
    hours = int(str(facts["hours"]))
    if not facts["came"]:
        return ngettext(
            "The camp has been open for %(hours)d hour; not seen yet.",
            "The camp has been open for %(hours)d hours; not seen yet.",
            hours,
        ) % {"hours": hours}
    if facts["lesson"]:
        return ngettext(
            "Not seen for %(hours)d hour. Stopped %(lesson)s at %(place)s.",
            "Not seen for %(hours)d hours. Stopped %(lesson)s at %(place)s.",
            hours,
        ) % {"hours": hours, "lesson": facts["lesson"], "place": facts["place"]}
    return ngettext("Not seen for %(hours)d hour.", "Not seen for %(hours)d hours.", hours) % {"hours": hours}


def _say_stuck(facts: dict[str, object]) -> str:
    return gettext("Opened %(lesson)s %(count)s times, never got past %(place)s.") % facts


def _say_no_check_in(facts: dict[str, object]) -> str:
    if facts["watching"]:
        return gettext("No check-in for %(days)s days in a row, but still watching.") % {"days": facts["days"]}
    return gettext("No check-in for %(days)s days in a row.") % {"days": facts["days"]}


def _say_not_handed_in(facts: dict[str, object]) -> str:
    return gettext("Day %(day)s task not handed in, %(hours)s hours overdue.") % facts


SENTENCES = {
    ReasonKind.AWAY: _say_away,
    ReasonKind.STUCK: _say_stuck,
    ReasonKind.NO_CHECK_IN: _say_no_check_in,
    ReasonKind.NOT_HANDED_IN: _say_not_handed_in,
}
