"""A learner's check-in for a day's task."""

from datetime import datetime

from django.db import IntegrityError, transaction

from kaiying.camps.models import Task
from kaiying.camps.vocabulary import TaskKind
from kaiying.groups.actions.posting import write
from kaiying.groups.models import CheckIn, ClassGroup
from kaiying.groups.queries.access import entry_of
from kaiying.groups.queries.day import last_day_of
from kaiying.groups.vocabulary import CampOver, DayNotOpen, NotACheckIn, NotInClass, PostKind
from kaiying.learning.models import Enrollment, Override
from kaiying.learning.queries import unlock
from kaiying.learning.vocabulary import Why
from kaiying.outbox.actions import publish
from kaiying.people.models import User


@transaction.atomic
def check_in(*, task: Task, learner: User, group: ClassGroup, text: str, at: datetime, picture: str = "") -> CheckIn:
    """Check in for a task, with the post that says it to the class; once per task, the first one stays.

    It may come after the deadline (``is_late``), not before the day opens for this learner. Raises ``NotACheckIn``,
    ``NotInClass``, ``DayNotOpen``, ``CampOver`` or ``NothingSaid``.
    """
    cohort = group.cohort
    if task.kind != TaskKind.CHECK_IN or task.camp_id != cohort.camp_id or task.retired_at is not None:
        raise NotACheckIn
    entry = entry_of(learner, group)
    enrollment = Enrollment.objects.standing().filter(cohort=cohort, learner=learner).first()
    if entry is None or not entry.is_learner or enrollment is None:
        raise NotInClass
    # Also a check-in made in another class of the cohort, before a move, counts.
    made = CheckIn.objects.filter(group__cohort=cohort, learner=learner, task=task).select_related("post")
    if (earlier := made.first()) is not None:
        return earlier
    opening = unlock.day_opening(
        cohort=cohort,
        enrollment=enrollment,
        day=task.day,
        overrides=Override.objects.filter(enrollment=enrollment, lesson=None),
        last_day=last_day_of(cohort),
        at=at,
    )
    if opening.why is Why.EXPIRED:
        raise CampOver
    if not opening.is_open:
        raise DayNotOpen(day=task.day)
    due_at = unlock.due_at(cohort=cohort, enrollment=enrollment, day=task.day)
    key = f"check-in:{task.pk}"
    try:
        with transaction.atomic():
            post, _is_new = write(
                group=group,
                author=learner,
                body=text,
                picture=picture,
                key=key,
                kind=PostKind.CHECK_IN,
                parent=None,
                at=at,
            )
            done = CheckIn.objects.create(
                group=group, learner=learner, task=task, day=task.day, post=post, due_at=due_at, at=at
            )
    except IntegrityError:
        return made.get()
    publish("groups.posted", channel=f"group:{group.pk}", post=post.pk, author=learner.pk, kind=PostKind.CHECK_IN.value)
    publish("groups.checked_in", channel=f"group:{group.pk}", user=learner.pk, task=task.pk, day=task.day)
    publish("groups.checked_in", channel=f"learner:{learner.pk}", task=task.pk, day=task.day)
    return done
