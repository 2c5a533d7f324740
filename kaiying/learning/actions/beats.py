"""Progress: what players report, merged by union.

A batch costs a constant number of queries. The enrollments are locked first, in the order of their ids, so that two
batches with the same learners follow one another; what a learner watched is then read, merged in memory and written.

Nobody watches faster than twice the clock: each enrollment has a bucket of seconds the server will still believe. It
fills with two seconds a second and holds two days' worth, so that a phone that was offline all day is believed, and
only seconds that are new are taken from it, so that repeats cost nothing.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import Max

from kaiying.camps.models import Cohort, Day, Lesson
from kaiying.kit.errors import Refused
from kaiying.kit.spans import Seconds
from kaiying.learning.models import Enrollment, Override, Progress
from kaiying.learning.queries import opening
from kaiying.learning.vocabulary import Beat, Locked, Merged, NoLesson, NotFinite, NoVideo, Opening, Why
from kaiying.outbox.actions import publish_all
from kaiying.outbox.models import Event

RATE = 2.0
START = 30.0
MOST_CREDIT = RATE * 24 * 3600
COMPLETE_TENTHS = 9
# Many rows with one statement that is prepared once: through the ORM a batch takes three times as long.
UPSERT = """
INSERT INTO learning_progress
 (enrollment_id, lesson_id, watched, seconds, position, position_at, device, opened_at, opened_count, completed_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (enrollment_id, lesson_id) DO UPDATE SET
 watched = excluded.watched, seconds = excluded.seconds, position = excluded.position,
 position_at = excluded.position_at, device = excluded.device, completed_at = excluded.completed_at
"""
LESSON_FACTS = ("id", "camp_id", "ref", "day", "kind", "length", "is_preview", "retired_at")


class Key(NamedTuple):
    """One learner's progress in one lesson."""

    enrollment_id: int
    lesson_id: int


@dataclass(slots=True)
class Known:
    """What the database holds about the beats of a batch."""

    lessons: dict[int, Lesson]
    cohorts: dict[int, Cohort]
    enrollments: dict[tuple[int, int], list[Enrollment]]  # by learner and camp, newest first
    overrides: dict[int, list[Override]]
    last_days: dict[int, int]
    progress: dict[Key, Progress]
    openings: dict[Key, Opening] = field(default_factory=dict)
    sets: dict[Key, Seconds] = field(default_factory=dict)
    touched: dict[Key, Enrollment] = field(default_factory=dict)
    completed: list[Key] = field(default_factory=list)


@transaction.atomic
def record_beats(beats: Sequence[Beat], *, at: datetime) -> list[Merged | Refused]:
    """Merge what players report and answer, for each beat in order, what the server now holds, or why it refused.

    Only lessons that are open to the learner count. The position is that of the beat received last.
    """
    known = _read(beats)
    answers = [_merge(beat, known, at) for beat in beats]
    if known.touched:
        _write(known, at)
        publish_all(_news(known))
    return answers


def _read(beats: Sequence[Beat]) -> Known:
    lessons = Lesson.objects.only(*LESSON_FACTS).in_bulk({beat.lesson_id for beat in beats})
    runs = Cohort.objects.filter(camp_id__in={lesson.camp_id for lesson in lessons.values()}).order_by()
    cohorts = {cohort.pk: cohort for cohort in runs}
    rows = Enrollment.objects.standing().filter(
        learner_id__in={beat.learner_id for beat in beats}, cohort_id__in=cohorts
    )
    found = list(rows.defer("source").locked())
    enrollments: dict[tuple[int, int], list[Enrollment]] = {}
    for one in sorted(found, key=lambda one: (one.enrolled_at, one.pk), reverse=True):
        enrollments.setdefault((one.learner_id, cohorts[one.cohort_id].camp_id), []).append(one)
    ids = [one.pk for one in found]
    overrides: dict[int, list[Override]] = {}
    for ruling in Override.objects.filter(enrollment_id__in=ids):
        overrides.setdefault(ruling.enrollment_id, []).append(ruling)
    camps = {cohort.camp_id for cohort in cohorts.values()}
    last = Day.objects.filter(camp_id__in=camps).order_by().values_list("camp_id").annotate(last=Max("number"))
    progress = Progress.objects.filter(enrollment_id__in=ids, lesson_id__in=lessons)
    return Known(
        lessons,
        cohorts,
        enrollments,
        overrides,
        dict(last),
        {Key(one.enrollment_id, one.lesson_id): one for one in progress},
    )


def _merge(beat: Beat, known: Known, at: datetime) -> Merged | Refused:
    lesson = known.lessons.get(beat.lesson_id)
    if lesson is None:
        return NoLesson()
    candidates = [
        one
        for one in known.enrollments.get((beat.learner_id, lesson.camp_id), ())
        if beat.cohort_id in {None, one.cohort_id}
    ]
    found = [(one, _opening(known, one, lesson, at)) for one in candidates]
    enrollment, gate = next((pair for pair in found if pair[1].is_open), found[0] if found else (None, None))
    if enrollment is None or gate is None or gate.why in {Why.RETIRED, Why.NOT_ENROLLED, Why.ENDED}:
        return NoLesson()
    if not gate.is_open:
        return Locked(gate)
    if not lesson.length:
        return NoVideo()
    if not all(map(math.isfinite, _numbers(beat))):
        return NotFinite()
    return _add(beat, known, enrollment, lesson, gate, at)


def _add(beat: Beat, known: Known, enrollment: Enrollment, lesson: Lesson, gate: Opening, at: datetime) -> Merged:
    key = Key(enrollment.pk, lesson.pk)
    progress = known.progress.get(key)
    if progress is None:
        progress = Progress(enrollment_id=enrollment.pk, lesson_id=lesson.pk, opened_at=at, opened_count=1)
        known.progress[key] = progress
    held = known.sets.get(key) or progress.set
    offered = Seconds.of(beat.spans, length=lesson.length) - held
    believed = offered.first(_believable(enrollment, gate, len(held), at))
    held |= believed
    enrollment.credit -= len(believed)
    known.sets[key], progress.seconds = held, len(held)
    if beat.position is not None:
        progress.position = min(max(beat.position, 0.0), float(lesson.length))
        progress.position_at, progress.device = at, beat.device[:64]
    if progress.completed_at is None and progress.seconds * 10 >= lesson.length * COMPLETE_TENTHS:
        progress.completed_at = at
        known.completed.append(key)
    known.touched[key] = enrollment
    return Merged(
        lesson_id=lesson.pk,
        watched=progress.seconds,
        spans=held.runs(),
        position=progress.position,
        position_at=progress.position_at,
        completed_at=progress.completed_at,
        length=lesson.length,
        added=len(believed),
        trimmed=len(offered) - len(believed),
    )


def _believable(enrollment: Enrollment, gate: Opening, held: int, at: datetime) -> int:
    """Return how many new seconds the clock allows: in all, and of a lesson that opened only just now."""
    since = enrollment.credit_at or enrollment.enrolled_at
    if enrollment.credit_at is None:
        enrollment.credit = START
    passed = max(0.0, (at - since).total_seconds())
    enrollment.credit = min(MOST_CREDIT, enrollment.credit + RATE * passed)
    enrollment.credit_at = max(at, since)
    allowed = enrollment.credit
    if gate.opens_at is not None and gate.why is not Why.PREVIEW:
        allowed = min(allowed, START + RATE * (at - gate.opens_at).total_seconds() - held)
    return max(0, int(allowed))


def _opening(known: Known, enrollment: Enrollment, lesson: Lesson, at: datetime) -> Opening:
    key = Key(enrollment.pk, lesson.pk)
    found = known.openings.get(key)
    if found is None:
        found = known.openings[key] = opening(
            cohort=known.cohorts[enrollment.cohort_id],
            enrollment=enrollment,
            lesson=lesson,
            overrides=known.overrides.get(enrollment.pk, ()),
            last_day=known.last_days.get(lesson.camp_id, 1),
            at=at,
        )
    return found


def _write(known: Known, at: datetime) -> None:
    learners = {one.pk: one for one in known.touched.values()}
    with connection.cursor() as cursor:
        cursor.executemany(UPSERT, [_row(key, known) for key in sorted(known.touched)])
        cursor.executemany(
            "UPDATE learning_enrollment SET credit = %s, credit_at = %s, last_seen_at = %s WHERE id = %s",
            [(one.credit, _moment(one.credit_at), _moment(at), pk) for pk, one in sorted(learners.items())],
        )


def _row(key: Key, known: Known) -> tuple[Any, ...]:
    one = known.progress[key]
    facts = (known.sets[key].pack(), one.seconds, one.position, _moment(one.position_at), one.device)
    return (*key, *facts, _moment(one.opened_at), one.opened_count, _moment(one.completed_at))


def _moment(at: datetime | None) -> Any:
    return connection.ops.adapt_datetimefield_value(at) if at else None


def _news(known: Known) -> Iterable[Event]:
    for key, enrollment in known.touched.items():
        progress = known.progress[key]
        yield Event(
            name="learning.progress_merged",
            channel=f"learner:{enrollment.learner_id}",
            facts={
                "cohort": enrollment.cohort_id,
                "lesson": key.lesson_id,
                "spans": known.sets[key].runs(),
                "watched": progress.seconds,
                "position": progress.position,
                "position_at": progress.position_at,
                "completed": progress.completed_at is not None,
                "device": progress.device,
            },
        )
    for key in known.completed:
        yield from completed(enrollment=known.touched[key], lesson_id=key.lesson_id)


def completed(*, enrollment: Enrollment, lesson_id: int) -> Iterable[Event]:
    """Tell the staff of the cohort, and the learner's other pages, that a lesson is finished."""
    facts = {"enrollment": enrollment.pk, "learner": enrollment.learner_id, "lesson": lesson_id}
    for channel in (f"cohort:{enrollment.cohort_id}", f"learner:{enrollment.learner_id}"):
        yield Event(name="learning.lesson_completed", channel=channel, facts=facts)


def _numbers(beat: Beat) -> Iterable[float]:
    for span in beat.spans:
        yield from span
    if beat.position is not None:
        yield beat.position
