"""A class's day: its topic, its check-ins, its rhythm, and the few lines of it that stand on Today."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kaiying.camps.models import Cohort, Task, Topic
from kaiying.camps.vocabulary import TaskKind, UnlockClock
from kaiying.groups.models import CheckIn, ClassGroup, Membership, Post
from kaiying.groups.queries.roster import learners_of, staff_of
from kaiying.kit import periods
from kaiying.learning.models import Enrollment, Submission
from kaiying.people.models import User

TEASER_POSTS = 2


@dataclass(frozen=True, slots=True)
class PinnedTopic:
    """The topic a class talks about now, when it appeared, and how much was said since."""

    topic: Topic
    at: datetime
    said: int


def appears_at(topic: Topic, cohort: Cohort) -> datetime:
    """Return when a topic appears by the cohort's clock."""
    return periods.moment(cohort.day_on(topic.day), topic.at, cohort.zone)


def pinned_topic(group: ClassGroup, *, at: datetime) -> PinnedTopic | None:
    """Return the latest topic that has appeared, or None before the first; two queries."""
    cohort = group.cohort
    topics = Topic.objects.filter(camp=cohort.camp_id, day__lte=cohort.day_at(at)).select_related("teacher")
    shown = [(appears_at(topic, cohort), topic) for topic in topics]
    shown = [(moment, topic) for moment, topic in shown if moment <= at]
    if not shown:
        return None
    moment, topic = max(shown, key=lambda pair: pair[0])
    said = Post.objects.standing().filter(group=group, posted_at__gte=moment, posted_at__lte=at).count()
    return PinnedTopic(topic, moment, said)


def camp_day(cohort: Cohort, *, at: datetime, last: int) -> int:
    """Return today's number, the first before the camp and the last after it."""
    return min(max(cohort.day_at(at), 1), max(last, 1))


def day_opens_at(cohort: Cohort, day: int, *, at: datetime) -> datetime | None:
    """Return when a day opens for the class if that is still to come; by the personal clock each has their own."""
    opens_at = cohort.opens_at(day)
    return opens_at if cohort.clock == UnlockClock.CALENDAR and at < opens_at else None


@dataclass(frozen=True, slots=True)
class Wall:
    """Who has checked in on a day and who has not; ``tasks`` is empty when the day asks for none.

    ``opens_at`` is given while the day has not opened: then nobody is asked to check in.
    """

    day: int
    tasks: tuple[Task, ...]
    done: tuple[User, ...]
    missing: tuple[User, ...]
    due_at: datetime
    opens_at: datetime | None = None

    @property
    def is_asked(self) -> bool:
        """Whether the class is asked to check in by now."""
        return bool(self.tasks) and self.opens_at is None

    @property
    def total(self) -> int:
        """How many learners the class has."""
        return len(self.done) + len(self.missing)


def check_in_wall(group: ClassGroup, day: int, *, at: datetime, learners: Iterable[Enrollment] | None = None) -> Wall:
    """Return who has done every check-in of a day, earliest first, and who has not; three queries."""
    roster = [enrollment.learner for enrollment in (learners_of(group) if learners is None else learners)]
    tasks = tuple(Task.objects.filter(camp=group.cohort.camp_id, day=day, kind=TaskKind.CHECK_IN, retired_at=None))
    counts: dict[int, int] = {}
    for learner in (
        CheckIn.objects.filter(group=group, task__in=tasks, at__lte=at).order_by("at").values_list("learner", flat=True)
    ):
        counts[learner] = counts.pop(learner, 0) + 1
    order = {learner: place for place, learner in enumerate(counts) if counts[learner] == len(tasks)}
    done = sorted((user for user in roster if user.pk in order), key=lambda user: order[user.pk])
    missing = tuple(user for user in roster if user.pk not in order)
    opens_at = day_opens_at(group.cohort, day, at=at)
    return Wall(day, tasks, tuple(done), missing, group.cohort.due_at(day), opens_at)


class BeatKind(StrEnum):
    """What happens at a time of the day."""

    UNLOCK = "unlock"
    TOPIC = "topic"
    DEADLINE = "deadline"


@dataclass(frozen=True, slots=True)
class Beat:
    """Something of the day's rhythm; ``is_next`` marks the first that is still to come."""

    at: datetime
    kind: BeatKind
    topic: Topic | None = None
    done: int = 0
    total: int = 0
    is_past: bool = False
    is_next: bool = False


def rhythm(group: ClassGroup, day: int, *, at: datetime, total: int) -> list[Beat]:
    """Return what happens on a day, in order: lessons open, topics appear, tasks are due; three queries."""
    cohort = group.cohort
    topics = Topic.objects.filter(camp=cohort.camp_id, day=day)
    asked = Task.objects.filter(camp=cohort.camp_id, day=day, kind=TaskKind.SUBMISSION, retired_at=None)
    tasks = list(asked.values_list("pk", flat=True))
    members = Membership.objects.standing().learners().filter(group=group).values("user")
    handed_in = Submission.objects.filter(
        task__in=tasks,
        enrollment__cohort=cohort,
        enrollment__ended_at=None,
        enrollment__learner__in=members,
        handed_in_at__lte=at,
    )
    done = len(set(handed_in.values_list("enrollment", flat=True)))
    beats = [
        (cohort.opens_at(day), BeatKind.UNLOCK, None),
        *((appears_at(topic, cohort), BeatKind.TOPIC, topic) for topic in topics),
        (cohort.due_at(day), BeatKind.DEADLINE, None),
    ]
    beats.sort(key=lambda beat: beat[0])
    coming = next((moment for moment, _kind, _topic in beats if moment > at), None)
    return [
        Beat(
            moment,
            kind,
            topic,
            done if kind == BeatKind.DEADLINE else 0,
            total if kind == BeatKind.DEADLINE and tasks and day_opens_at(cohort, day, at=at) is None else 0,
            is_past=moment <= at,
            is_next=moment == coming,
        )
        for moment, kind, topic in beats
    ]


@dataclass(frozen=True, slots=True)
class Said:
    """A post as Today quotes it."""

    post: Post
    is_staff: bool


@dataclass(frozen=True, slots=True)
class Teaser:
    """The class in a few lines: what was said last, and how many have checked in today, if today asks for it."""

    group: ClassGroup
    said: tuple[Said, ...]
    day: int
    checked_in: int
    learners: int
    has_check_in: bool


def teaser(group: ClassGroup, *, at: datetime, last_day: int | None = None) -> Teaser:
    """Return the class for Today; five queries (six when the number of days has to be asked)."""
    last = last_day if last_day is not None else last_day_of(group.cohort)
    day = camp_day(group.cohort, at=at, last=last)
    staff = {membership.user_id for membership in staff_of(group)}
    latest = (
        Post.objects.standing()
        .opening()
        .filter(group=group, posted_at__lte=at)
        .select_related("author")
        .order_by("-pk")
    )
    said = tuple(Said(post, post.author_id in staff) for post in latest[:TEASER_POSTS])
    wall = check_in_wall(group, day, at=at)
    return Teaser(group, said, day, len(wall.done), wall.total, wall.is_asked)


def last_day_of(cohort: Cohort) -> int:
    """Return the number of the camp's last day; one query."""
    return cohort.camp.days.order_by("-number").values_list("number", flat=True).first() or 1


def checked_in(enrollment: Enrollment) -> frozenset[int]:
    """Return the ids of the tasks this learner has checked in for, in any class of the cohort; one query."""
    done = CheckIn.objects.filter(group__cohort=enrollment.cohort_id, learner=enrollment.learner_id)
    return frozenset(done.values_list("task", flat=True))
