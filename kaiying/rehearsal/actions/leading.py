"""The learner a visitor of the demo may be: day 1 whole, and of day 2 one lesson and a bit."""

from datetime import datetime, timedelta
from functools import partial

from kaiying.camps.models import Task
from kaiying.camps.vocabulary import TaskKind
from kaiying.groups.actions import check_in
from kaiying.learning.actions import hand_in, write_note
from kaiying.learning.models import Enrollment
from kaiying.rehearsal.actions.studying import Camp, Step, watch
from kaiying.rehearsal.vocabulary import CHECK_INS, MAP, Pace

PAUSED_AT = 0.38
NOTED_AT = 20
NOTED = "分母是“看到的人”，不是粉丝数。"


def lead(*, camp: Camp, enrollment: Enrollment, now: datetime) -> list[Step]:
    """Return what this learner has done up to now."""
    noon, day_2 = camp.cohort.opens_at(1) + timedelta(hours=4), camp.cohort.opens_at(2)
    first, second = camp.lessons[2][:2]
    steps: list[Step] = []
    for place, lesson in enumerate(camp.lessons[1]):
        steps += watch(enrollment, lesson, 1.0, Pace.STEADY, noon + timedelta(minutes=10 * place))
    steps += watch(enrollment, first, 1.0, Pace.STEADY, before(now, day_2, 0.3))
    steps += watch(enrollment, second, PAUSED_AT, Pace.STEADY, before(now, day_2, 0.6))
    steps += [_done(camp, enrollment, task, noon + timedelta(hours=1)) for task in camp.tasks[1]]
    steps += [
        _done(camp, enrollment, task, before(now, day_2, 0.4))
        for task in camp.tasks[2]
        if task.kind == TaskKind.CHECK_IN
    ]
    note = partial(write_note, enrollment=enrollment, lesson=second, second=NOTED_AT, text=NOTED)
    steps.append((before(now, day_2, 0.7), note))
    return steps


def before(now: datetime, start: datetime, share: float) -> datetime:
    """Return the moment that lies ``share`` of the way from ``start`` to now."""
    return start + (now - start) * share if now > start else start


def _done(camp: Camp, enrollment: Enrollment, task: Task, at: datetime) -> Step:
    if task.kind == TaskKind.CHECK_IN:
        text = CHECK_INS[task.day][0]
        return at, partial(check_in, task=task, learner=enrollment.learner, group=camp.group, text=text)
    return at, partial(hand_in, enrollment=enrollment, task=task, text=MAP)
