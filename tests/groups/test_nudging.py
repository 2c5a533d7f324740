"""Reminders from the head teacher."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection

from kaiying.camps.models import Message
from kaiying.groups.actions import nudge
from kaiying.groups.models import Nudge
from kaiying.groups.queries import supervision
from kaiying.groups.vocabulary import NobodyToTell, NotInClass, ReasonKind
from kaiying.notices.actions import mark_read
from kaiying.notices.models import Notice
from kaiying.outbox.actions import run_due
from tests.factories.groups import class_of, seated, teacher_of
from tests.factories.learning import ProgressFactory
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def group():
    group = class_of()
    Message.objects.create(
        camp=group.cohort.camp,
        ref="behind",
        subject={"zh-hans": "《{lesson}》还差 {minutes} 分钟", "en": "{minutes} minutes of {lesson} to go"},
        body={
            "zh-hans": "{name}，今晚抽 {minutes} 分钟看完《{lesson}》。",
            "en": "{name}, {minutes} minutes tonight finish {lesson}.",
        },
    )
    return group


@pytest.fixture
def head(group):
    return teacher_of(group)


@pytest.fixture
def evening(noon):
    return noon + timedelta(hours=8)


def send(group, learners, head, at, **facts):
    return nudge(
        **{
            "group": group,
            "learners": learners,
            "by": head,
            "text": "",
            "reason": "away",
            "key": "k",
            "at": at,
            **facts,
        }
    )


def stopped_in_l1(group, at, user):
    lesson = group.cohort.camp.lessons.get(ref="l1")
    enrollment = seated(group, user)
    ProgressFactory(enrollment=enrollment, lesson=lesson, seconds=60, position=60, position_at=at, opened_at=at)
    return enrollment.learner


def test_everyone_gets_one_notice_in_their_own_language(group, head, evening):
    chinese = stopped_in_l1(group, evening, UserFactory(name="小宁", language="zh-hans"))
    english = stopped_in_l1(group, evening, UserFactory(name="Nina", language="en"))

    sent = send(group, [chinese, english], head, evening)

    assert {one.learner: one.text for one in sent} == {
        chinese: "小宁，今晚抽 1 分钟看完《课 l1》。",
        english: "Nina, 1 minutes tonight finish Lesson l1.",
    }
    assert set(Notice.objects.values_list("user__name", "title", "url")) == {
        ("小宁", "《课 l1》还差 1 分钟", f"/learn/{group.cohort.slug}/lessons/l1/"),
        ("Nina", "1 minutes of Lesson l1 to go", f"/learn/{group.cohort.slug}/lessons/l1/"),
    }


def test_own_words_are_sent_with_their_places_filled(group, head, evening):
    learner = seated(group, UserFactory(name="小宁")).learner

    (sent,) = send(group, [learner], head, evening, text="{name}，{lesson} 加油 {whatever} {name.password}")

    assert sent.text == "小宁，课 l1 加油 {whatever} {name.password}"
    assert sent.notice.body == sent.text


def test_one_key_tells_each_person_once(group, head, evening):
    one, two = seated(group).learner, seated(group).learner

    send(group, [one], head, evening)
    again = send(group, [one, two], head, evening)

    assert {sent.learner for sent in again} == {one, two}
    assert Nudge.objects.count() == Notice.objects.count() == 2


def test_the_next_key_tells_again(group, head, evening):
    learner = seated(group).learner

    send(group, [learner], head, evening)
    send(group, [learner], head, evening, key="k2")

    assert Nudge.objects.count() == 2


def test_only_staff_remind_and_only_learners_of_the_class_are_reminded(group, head, evening):
    learner = seated(group).learner
    elsewhere = seated(class_of(group.cohort)).learner

    with pytest.raises(NotInClass):
        send(group, [learner], learner, evening)
    for nobody in ([], [elsewhere], [head], [UserFactory()]):
        with pytest.raises(NobodyToTell):
            send(group, nobody, head, evening)
    assert Notice.objects.count() == 0


def test_a_reminder_takes_a_learner_off_the_list_of_those_nobody_wrote_to_and_shows_that_it_was_read(
    group, head, evening
):
    learner = seated(group).learner
    other = seated(group).learner

    send(group, [learner], head, evening)
    found = supervision(group, at=evening)
    mark_read(user=learner, at=evening + timedelta(minutes=5))
    later = supervision(group, at=evening + timedelta(minutes=10))

    assert [row.learner for row in found.not_nudged] == [other]
    assert [row.learner for row in found.to_contact] == [other, learner]
    assert found.row_of(learner.pk).nudge.notice.read_at is None
    assert later.row_of(learner.pk).nudge.notice.read_at == evening + timedelta(minutes=5)
    assert supervision(group, at=evening + timedelta(hours=25)).row_of(learner.pk).nudge is None


def test_it_goes_out_by_mail_as_well(group, head, evening):
    learner = seated(group).learner
    send(group, [learner], head, evening)

    run_due(at=evening)

    assert [message.to for message in mail.outbox] == [[learner.email]]


def test_the_reason_is_kept_and_found_when_none_is_given(group, head, evening):
    learner = seated(group).learner

    (given,) = send(group, [learner], head, evening, reason=ReasonKind.STUCK)
    (found,) = send(group, [learner], head, evening, reason="", key="k2")

    assert (given.reason, found.reason) == ("stuck", "away")


def test_who_has_not_opened_the_lesson_is_not_told_to_have_stopped_in_it(head, group, evening):
    learner = seated(group, UserFactory(name="小宁", language="zh-hans")).learner

    (sent,) = send(group, [learner], head, evening)

    assert sent.text == "小宁，《课 l1》还没打开，今晚抽 2 分钟就能看完，有问题直接回我。"


@pytest.mark.django_db(transaction=True)
def test_eight_clicks_at_once_send_one_reminder(noon):
    group = class_of()
    head, learner = teacher_of(group), seated(group).learner

    def click(_n):
        try:
            send(group, [learner], head, noon + timedelta(hours=8))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(click, range(8)))

    assert Nudge.objects.count() == Notice.objects.count() == 1
