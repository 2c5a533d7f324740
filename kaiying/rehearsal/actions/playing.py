"""The demo: one cohort on its second day, and the next one on sale."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import partial

from django.db import transaction

from kaiying.camps.actions import open_cohort
from kaiying.camps.models import Camp as CampModel
from kaiying.camps.models import Cohort
from kaiying.groups.actions import leave_note, publish_post, read_up_to, reply
from kaiying.groups.models import ClassGroup, Post
from kaiying.kit import periods
from kaiying.learning.models import Enrollment
from kaiying.offers.actions import open_offer
from kaiying.offers.models import Offer
from kaiying.people.models import User
from kaiying.rehearsal.actions.casting import person, students
from kaiying.rehearsal.actions.leading import before, lead
from kaiying.rehearsal.actions.selling import buy, hold
from kaiying.rehearsal.actions.studying import Camp, Step, applaud, study
from kaiying.rehearsal.vocabulary import MENTOR_REPLY, NOTE, POSTS, REPLIES, Pace

FIRST_NUMBER = 12
LEARNERS = 95
SOLD, HELD = 13, 3
UNREAD = 3
EARLY = time(9)

type Report = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Played:
    """What stands on the stage."""

    running: Cohort
    on_sale: Offer


@transaction.atomic
def play_demo(*, camp: CampModel, at: datetime, report: Report = lambda _what, _done, _all: None) -> Played:
    """Return the demo as it should be at ``at``, playing a new cohort in when none is on its second day.

    The same people come back with each play, so the one-click sign-ins stay. Repeating it on the same day changes
    nothing.
    """
    cohorts = list(Cohort.objects.filter(camp=camp).order_by("number"))
    for running in cohorts:
        on_sale = Offer.objects.filter(cohort__camp=camp, cohort__number=running.number + 1).first()
        if on_sale is not None and running.day_at(at) in {2, 3}:
            return Played(running, on_sale)
    number = cohorts[-1].number + 1 if cohorts else FIRST_NUMBER
    dice = random.Random(number)  # noqa: S311 — the same play each time, nothing secret
    return Played(
        _play_running(camp, number, at, dice, report),
        _play_sale(camp, number + 1, at, dice, report),
    )


def _play_running(camp: CampModel, number: int, at: datetime, dice: random.Random, report: Report) -> Cohort:
    starts_on = periods.day_in(at, camp.zone) - timedelta(days=1)
    cohort = open_cohort(camp=camp, number=number, starts_on=starts_on, at=at)
    if periods.local(at, camp.zone).time() < EARLY:  # whoever tries it at night should find day 2 open too
        cohort.unlock_at = time(0)
        cohort.save(update_fields=["unlock_at"])
    opens = cohort.opens_at(1) - timedelta(days=3)
    offer = open_offer(
        cohort=cohort, slug=f"debut-{number}", terms=camp.offer, opens_at=opens, closes_at=cohort.opens_at(1), at=opens
    )
    enrollments = []
    crowd = [(person("learner"), Pace.STEADY), *students(LEARNERS, prefix="student", dice=dice)]
    for place, (user, pace) in enumerate(crowd):
        report("learners", place, len(crowd))
        enrollments.append((buy(offer=offer, user=user, at=opens + timedelta(seconds=8 * place)), pace))
    group = ClassGroup.objects.select_related("cohort__camp__organizer").get(cohort=cohort, number=1)
    world = Camp.of(cohort, group)
    steps = [
        *lead(camp=world, enrollment=enrollments[0][0], now=at),
        *_talk(world, [one for one, _ in enrollments[1:]], at, dice),
    ]
    for enrollment, pace in enrollments[1:]:
        steps += study(camp=world, enrollment=enrollment, pace=pace, now=at, dice=dice)
    steps.sort(key=lambda step: step[0])
    for place, (moment, act) in enumerate(steps):
        report("days", place, len(steps))
        act(at=moment)
    applaud(camp=world, enrollments=[one for one, _ in enrollments[1:]], at=at, dice=dice)
    _read_but_the_last(group, enrollments[0][0].learner)
    return cohort


def _read_but_the_last(group: ClassGroup, user: User) -> None:
    newest = Post.objects.filter(group=group, parent=None).order_by("-pk").values_list("pk", flat=True)
    read_up_to(group=group, user=user, post_id=newest[UNREAD])


def _talk(camp: Camp, enrollments: list[Enrollment], now: datetime, dice: random.Random) -> list[Step]:
    """Return what is said in the class: posts, replies, the mentor's word and the head teacher's note."""
    day_2 = camp.cohort.opens_at(2)
    steps: list[Step] = []
    for place, body in enumerate(POSTS):
        moment = before(now, camp.cohort.opens_at(1), 0.35 + 0.6 * place / len(POSTS))
        author = dice.choice(enrollments).learner
        answer = REPLIES[place % len(REPLIES)]
        other = dice.choice(enrollments).learner
        steps.append((moment, partial(_say, camp, author, body, other, answer, place)))
    note = partial(leave_note, group=camp.group, by=person("head-teacher"), body=NOTE, key="demo-note")
    steps.append((before(now, day_2, 0.8), note))
    return steps


def _say(camp: Camp, author: User, body: str, other: User, answer: str, place: int, *, at: datetime) -> None:
    post = publish_post(group=camp.group, author=author, body=body, key=f"demo-{place}", at=at)
    reply(post=post, author=other, body=answer, key=f"demo-{place}-r", at=at)
    if place == 1:
        reply(post=post, author=person("mentor"), body=MENTOR_REPLY, key=f"demo-{place}-m", at=at)


def _play_sale(camp: CampModel, number: int, at: datetime, dice: random.Random, report: Report) -> Offer:
    """Open the next cohort's sale an hour ago: some seats paid, some held, the rest free."""
    cohort = open_cohort(camp=camp, number=number, starts_on=periods.day_in(at, camp.zone) + timedelta(days=9), at=at)
    opens = at - timedelta(hours=1)
    offer = open_offer(
        cohort=cohort,
        slug="debut" if number == FIRST_NUMBER + 1 else f"debut-{number}",
        terms=camp.offer,
        opens_at=opens,
        closes_at=cohort.opens_at(1),
        at=opens,
    )
    buyers = students(SOLD + HELD, prefix=f"buyer-{number}", dice=dice)
    for place, (user, _pace) in enumerate(buyers):
        report("sale", place, len(buyers))
        if place < SOLD:
            buy(offer=offer, user=user, at=opens + timedelta(minutes=2 * place))
        else:
            hold(offer=offer, user=user, at=at - timedelta(minutes=HELD + SOLD - place))
    return offer
