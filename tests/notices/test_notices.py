"""Telling people things, in the product and by mail."""

import pytest
from django.core import mail
from django.test import Client

from kaiying.notices.actions import language_of, mark_read, notify
from kaiying.notices.models import Notice
from kaiying.notices.tasks import mail_notice
from kaiying.outbox.actions import run_due
from kaiying.outbox.models import Event
from kaiying.wire import clock
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader():
    return UserFactory()


@pytest.fixture
def browser(reader):
    made = Client(headers={"accept-language": "en"})
    made.force_login(reader)
    return made


def test_a_notice_is_kept_and_said_live(reader, noon):
    notice = notify(to=reader, kind="nudge", title="Hello", body="Words", url="/me/", at=noon)

    assert Notice.objects.get() == notice
    assert Event.objects.get().channel == f"learner:{reader.pk}"
    assert mail.outbox == []


def test_mail_is_sent_once_however_often_the_task_runs(reader, noon):
    notice = notify(to=reader, kind="nudge", title="Hello", body="Words", url="/me/", at=noon, mail=True)

    run_due(at=clock.now())
    mail_notice.func(notice.pk)

    (letter,) = mail.outbox
    assert (letter.subject, letter.to) == ("Hello", [reader.email])
    assert letter.body == "Words\n\nhttp://127.0.0.1:8000/me/"
    notice.refresh_from_db()
    assert notice.mailed_at is not None


def test_a_long_title_is_cut_and_a_line_break_in_it_harms_no_mail(reader, noon):
    notify(to=reader, kind="x", title="a\nBcc: all@example.org " + "b" * 300, at=noon, mail=True)

    run_due(at=clock.now())

    assert len(Notice.objects.get().title) == 200
    assert [letter.bcc for letter in mail.outbox] == [[]]


def test_a_notice_that_is_gone_is_not_mailed():
    mail_notice.func(12345)

    assert mail.outbox == []


def test_a_person_without_a_language_is_written_to_in_the_main_one(reader):
    assert language_of(reader) == "zh-hans"
    reader.language = "en"
    assert language_of(reader) == "en"


def test_opening_the_list_is_having_read_it(browser, reader, noon):
    notify(to=reader, kind="x", title="First", at=noon)
    notify(to=UserFactory(), kind="x", title="Of somebody else", at=noon)

    first = browser.get("/notices/").content.decode()
    second = browser.get("/notices/").content.decode()

    assert ("New:" in first, "New:" in second) == (True, False)
    assert "Of somebody else" not in first
    assert Notice.objects.filter(read_at=None).count() == 1


def test_marking_read_counts_only_what_was_new(reader, noon):
    notify(to=reader, kind="x", title="First", at=noon)

    assert [mark_read(user=reader, at=noon), mark_read(user=reader, at=noon)] == [1, 0]


def test_an_empty_list_says_what_will_come(browser):
    assert "Nothing yet" in browser.get("/notices/").content.decode()


@pytest.mark.parametrize("count", [1, 3, 60])
def test_the_list_costs_the_same_whatever_is_in_it(browser, reader, noon, django_assert_num_queries, count):
    for number in range(count):
        notify(to=reader, kind="x", title=f"Number {number}", at=noon)
    browser.get("/notices/")

    with django_assert_num_queries(5):
        html = browser.get("/notices/").content.decode()

    assert html.count("item-title") == min(count, 50)
