"""Handing in a task, with words and with pictures."""

from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from pytest_django import DjangoCaptureOnCommitCallbacks

from kaiying.camps.models import Task
from kaiying.learning.actions import hand_in
from kaiying.learning.models import Enrollment, Submission
from kaiying.learning.vocabulary import Locked, NoLesson, NothingHandedIn, TextTooLong
from kaiying.outbox.models import Event
from kaiying.web.pictures import NotAPicture
from tests.factories.camps import DayFactory, TaskFactory
from tests.factories.learning import EnrollmentFactory

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 7, 17, 4, 0, tzinfo=UTC)


def photo() -> SimpleUploadedFile:
    file = BytesIO()
    Image.new("RGB", (40, 30), "green").save(file, "PNG")
    return SimpleUploadedFile("../../map.png", file.getvalue(), "image/png")


@pytest.fixture
def task() -> Task:
    task = TaskFactory(day=2, kind="submission")
    DayFactory(camp=task.camp, number=2)
    return task


@pytest.fixture
def enrollment(task: Task) -> Enrollment:
    return EnrollmentFactory(cohort__camp=task.camp)


def files(settings: LazySettings) -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def test_handing_in_again_replaces_and_keeps_the_first_date(enrollment: Enrollment, task: Task) -> None:
    first = hand_in(enrollment=enrollment, task=task, text=" 第一版 ", at=NOON)
    again = hand_in(enrollment=enrollment, task=task, text="第二版", at=NOON + timedelta(days=1))

    assert again.pk == first.pk
    row = Submission.objects.get()
    assert (row.text, row.handed_in_at, row.changed_at) == ("第二版", NOON, NOON + timedelta(days=1))
    told = Event.objects.filter(name="learning.handed_in").order_by("pk")
    assert [(one.channel, one.facts["again"]) for one in told] == [
        (channel, again)
        for again in (False, True)
        for channel in (f"cohort:{enrollment.cohort_id}", f"learner:{enrollment.learner_id}")
    ]


def test_a_picture_is_kept_replaced_and_dropped_with_its_file(
    enrollment: Enrollment,
    task: Task,
    settings: LazySettings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    def again(**facts: object) -> str:
        with django_capture_on_commit_callbacks(execute=True):
            return hand_in(enrollment=enrollment, task=task, at=NOON, **facts).picture

    first = again(text="", picture=photo())
    kept = again(text="加一句")
    second = again(text="加一句", picture=photo())

    assert kept == first
    assert first.startswith("submissions/")
    assert first.endswith(".webp")
    assert [path.relative_to(settings.MEDIA_ROOT).as_posix() for path in files(settings)] == [second]
    assert again(text="只有字", drop_picture=True) == ""
    assert files(settings) == []


def test_nothing_too_much_and_no_picture_are_refused_and_change_nothing(
    enrollment: Enrollment, task: Task, settings: LazySettings
) -> None:
    hand_in(enrollment=enrollment, task=task, text="第一版", at=NOON)

    with pytest.raises(NothingHandedIn):
        hand_in(enrollment=enrollment, task=task, text="  ", at=NOON)
    with pytest.raises(TextTooLong):
        hand_in(enrollment=enrollment, task=task, text="长" * 10_001, picture=photo(), at=NOON)
    with pytest.raises(NotAPicture):
        hand_in(enrollment=enrollment, task=task, text="x", picture=SimpleUploadedFile("a.png", b"<svg/>"), at=NOON)
    assert Submission.objects.get().text == "第一版"
    assert files(settings) == []


def test_a_picture_without_a_row_is_not_left_behind(
    enrollment: Enrollment, task: Task, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_facts: object, **_more: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(Submission, "save", broken)

    with pytest.raises(RuntimeError):
        hand_in(enrollment=enrollment, task=task, text="x", picture=photo(), at=NOON)
    assert files(settings) == []


def test_a_task_is_shut_until_its_day_opens(enrollment: Enrollment, task: Task) -> None:
    opens = enrollment.cohort.opens_at(2)

    with pytest.raises(Locked) as refused:
        hand_in(enrollment=enrollment, task=task, text="早", at=opens - timedelta(seconds=1))

    assert refused.value.opening.opens_at == opens
    assert hand_in(enrollment=enrollment, task=task, text="准时", at=opens)


def test_only_submissions_of_this_camp_that_still_stand_take_anything(enrollment: Enrollment, task: Task) -> None:
    others = [
        TaskFactory(kind="submission"),
        TaskFactory(camp=task.camp, kind="check_in"),
        TaskFactory(camp=task.camp, kind="submission", retired_at=NOON),
    ]

    for other in others:
        with pytest.raises(NoLesson):
            hand_in(enrollment=enrollment, task=other, text="x", at=NOON)
