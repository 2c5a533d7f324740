"""The pages of a course: what they show, to whom, and when."""

import re
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from pytest_django import DjangoAssertNumQueries

from kaiying.camps.models import Lesson
from kaiying.camps.vocabulary import LessonKind
from kaiying.learning.actions import Beat, end_enrollment, record_beats
from kaiying.learning.models import Enrollment, Note, Progress, Submission
from kaiying.pages.middleware import COOKIE
from kaiying.pages.queries import travel_token
from kaiying.people.vocabulary import RoleKind
from kaiying.wire import clock
from kaiying.wire.media import read_media_pass
from tests.factories.camps import CohortFactory, LessonFactory, four_day_camp
from tests.factories.learning import EnrollmentFactory, NoteFactory, OverrideFactory, SubmissionFactory
from tests.factories.people import RoleFactory, UserFactory

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 7, 17, 4, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _at_noon():
    with clock.frozen(NOON):
        yield


@pytest.fixture
def learner(client: Client) -> Enrollment:
    """Return someone in the camp of four days, signed in."""
    enrollment = EnrollmentFactory(cohort=CohortFactory(camp=four_day_camp(), slug="twelve"))
    Lesson.objects.filter(ref="l4").update(
        chapters=[
            {"at": 0, "title": {"zh-hans": "为什么先画漏斗", "en": "Why a funnel"}},
            {"at": 40, "title": {"zh-hans": "第一层", "en": "First"}},
        ],
        essence=[{"zh-hans": "第一层是看到的人。", "en": "The first layer is who saw it."}],
        captions={"zh-hans": "camps/test/l4.zh.vtt", "en": "camps/test/l4.en.vtt"},
        poster="camps/test/l4.jpg",
        body={"zh-hans": "## 先找位置\n\n<script>alert(1)</script>", "en": "## Find the place"},
    )
    client.force_login(enrollment.learner)
    return enrollment


def lesson_of(enrollment: Enrollment, ref: str) -> Lesson:
    return enrollment.cohort.camp.lessons.get(ref=ref)


def test_a_lesson_shows_its_video_chapters_essence_text_and_next_lesson(client: Client, learner: Enrollment) -> None:
    record_beats([Beat(learner.learner_id, lesson_of(learner, "l4").pk, [(0, 20), (50, 60)], 32, "phone-1")], at=NOON)

    page = " ".join(client.get("/learn/twelve/lessons/l4/").content.decode().split())

    assert "/media/2." in page
    assert "camps/test/l4.mp4" in page
    assert 'srclang="zh-hans"' in page
    for words in ("为什么先画漏斗", "第一层是看到的人。", "先找位置", "课 l5", "看过 25%", "从 00:32 继续", "第 2 天"):
        assert words in page, words
    assert 'x="41.7%" width="8.3%"' in page
    assert "<script>alert" not in page
    assert "style=" not in page.replace("color-scheme", "")


def test_opening_the_page_is_counted_but_not_when_the_stream_renews_its_ticket(
    client: Client, learner: Enrollment
) -> None:
    client.get("/learn/twelve/lessons/l4/", headers={"sec-fetch-dest": "document"})
    client.get("/learn/twelve/lessons/l4/")
    with clock.frozen(NOON + timedelta(hours=1)):
        client.get("/learn/twelve/lessons/l4/", headers={"sec-fetch-dest": "empty"})

    assert Progress.objects.get().opened_count == 1
    with clock.frozen(NOON + timedelta(hours=1)):
        client.get("/learn/twelve/lessons/l4/")
    assert Progress.objects.get().opened_count == 2


def test_pictures_in_a_lesson_open_for_the_learner_only_and_no_text_leads_to_another_lessons_video(
    client: Client, learner: Enrollment
) -> None:
    camp = learner.cohort.camp
    camp.media = {"media/图.png": "camps/test/1.png", "media/l9.mp4": "camps/test/l9.mp4"}
    camp.save()
    words = "![图](media/图.png) <img src='media/图.png' alt='图'> [早看](media/l9.mp4) ![早看](media/l9.mp4)"
    Lesson.objects.filter(ref="l4").update(body={"zh-hans": words})

    page = client.get("/learn/twelve/lessons/l4/").content.decode()

    shown = re.findall(r'<img src="/media/([^/]+)/camps/test/1.png"', page)
    assert [read_media_pass(token, at=NOON).user_id for token in shown] == [learner.learner_id] * 2
    assert "camps/test/l9.mp4" not in page


def test_who_looks_as_a_learner_gets_passes_of_their_own_and_nothing_live(client: Client, learner: Enrollment) -> None:
    operator = RoleFactory(kind=RoleKind.OPERATOR, organizer=learner.cohort.camp.organizer).user
    client.force_login(operator)
    client.cookies[COOKIE] = travel_token(traveller=operator, learner=learner.learner, cohort=learner.cohort, at=NOON)

    page = client.get("/learn/twelve/lessons/l4/").content.decode()

    passes = [read_media_pass(token, at=NOON).user_id for token in re.findall(r'"/media/([^/]+)/', page)]
    assert passes == [operator.pk] * 4  # video, poster, two captions
    assert "ticket=" not in page
    assert "<beat-sender" not in page
    for place in ("course/", "tasks/d1-map/", "notes/"):
        answer = client.get(f"/learn/twelve/{place}")
        assert answer.status_code == 200, place
        assert "ticket=" not in answer.content.decode(), place


def test_a_locked_lesson_says_when_and_why_and_leaks_nothing(client: Client, learner: Enrollment) -> None:
    Lesson.objects.filter(ref="l6").update(
        body={"zh-hans": "秘密正文"},
        essence=[{"zh-hans": "秘密要点"}],
        summary={"zh-hans": "秘密摘要"},
        title={"zh-hans": "第三天的课"},
        captions={"zh-hans": "camps/test/l6.vtt"},
        chapters=[{"at": 0, "title": {"zh-hans": "秘密章节"}}],
    )

    answer = client.get("/learn/twelve/lessons/l6/")

    page = answer.content.decode()
    assert answer.status_code == 403
    assert "第三天的课" in page
    assert "明天 08:00" in page
    assert "秘密" not in page
    assert "/media/" not in page
    assert "l6.mp4" not in page
    assert not Progress.objects.exists()


def test_a_lock_set_by_a_person_names_them_and_their_reason(client: Client, learner: Enrollment) -> None:
    OverrideFactory(
        enrollment=learner,
        lesson=lesson_of(learner, "l4"),
        opens_at=NOON + SECOND,
        reason="补交后开",
        by=UserFactory(name="苏老师"),
    )

    page = client.get("/learn/twelve/lessons/l4/").content.decode()

    assert "苏老师" in page
    assert "补交后开" in page


def test_after_the_replay_days_the_page_says_what_stays(client: Client, learner: Enrollment) -> None:
    with clock.frozen(datetime(2026, 9, 1, tzinfo=UTC)):
        answer = client.get("/learn/twelve/lessons/l4/")

    assert answer.status_code == 403
    assert "8 月 19 日" in answer.content.decode()
    assert "/learn/twelve/notes/" in answer.content.decode()


def test_an_article_is_read_and_marked_as_read(client: Client, learner: Enrollment) -> None:
    LessonFactory(
        camp=learner.cohort.camp, ref="b1", day=1, kind=LessonKind.BONUS, length=0, video="", body={"zh-hans": "读一读"}
    )

    assert "读一读" in client.get("/learn/twelve/lessons/b1/").content.decode()
    assert "我读完了" in client.get("/learn/twelve/lessons/b1/").content.decode()
    answer = client.post("/learn/twelve/lessons/b1/reading/")

    assert answer.headers["Location"] == "/learn/twelve/lessons/b1/"
    assert Progress.objects.get().completed_at == NOON
    assert "我读完了" not in client.get("/learn/twelve/lessons/b1/").content.decode()


def test_notes_are_written_changed_and_deleted_with_and_without_scripts(client: Client, learner: Enrollment) -> None:
    answer = client.post("/learn/twelve/lessons/l4/notes/", {"second": "32.7", "text": "分母是看到的人"})
    assert answer.headers["Location"] == "/learn/twelve/lessons/l4/#notes"
    note = Note.objects.get()
    assert (note.second, note.text) == (32, "分母是看到的人")

    part = client.post(
        f"/learn/twelve/notes/{note.pk}/", {"text": "改过"}, headers={"hx-request": "true"}
    ).content.decode()
    assert "改过" in part
    assert "<html" not in part
    gone = client.post(f"/learn/twelve/notes/{note.pk}/removal/", headers={"hx-request": "true"}).content.decode()
    assert "撤销" in gone
    assert not Note.objects.exists()
    empty = client.post("/learn/twelve/lessons/l4/notes/", {"second": "3", "text": " "}, headers={"hx-request": "true"})
    assert empty.status_code == 422
    assert "写几个字" in empty.content.decode()


def test_all_notes_are_on_one_page(client: Client, learner: Enrollment) -> None:
    assert "还没有笔记" in client.get("/learn/twelve/notes/").content.decode()
    note = NoteFactory(enrollment=learner, lesson=lesson_of(learner, "l6"), text="<b>留着</b>")

    page = client.get("/learn/twelve/notes/").content.decode()

    assert "&lt;b&gt;留着&lt;/b&gt;" in page
    answer = client.post(f"/learn/twelve/notes/{note.pk}/removal/", {"from": "notes"})
    assert answer.headers["Location"] == "/learn/twelve/notes/"


def picture() -> SimpleUploadedFile:
    file = BytesIO()
    Image.new("RGB", (40, 30), "green").save(file, "PNG")
    return SimpleUploadedFile("map.png", file.getvalue(), "image/png")


def test_a_task_is_handed_in_with_text_and_picture(client: Client, learner: Enrollment) -> None:
    assert "还有" in client.get("/learn/twelve/tasks/d2-map/").content.decode()

    answer = client.post("/learn/twelve/tasks/d2-map/", {"text": "看到 1,200", "picture": picture()})

    assert answer.headers["Location"] == "/learn/twelve/tasks/d2-map/"
    row = Submission.objects.get()
    assert (row.text, row.handed_in_at) == ("看到 1,200", NOON)
    page = client.get("/learn/twelve/tasks/d2-map/").content.decode()
    assert row.picture in page
    assert "看到 1,200" in page


def test_what_was_typed_survives_a_refusal(client: Client, learner: Enrollment) -> None:
    answer = client.post(
        "/learn/twelve/tasks/d2-map/", {"text": "不能丢的字", "picture": SimpleUploadedFile("x.png", b"no")}
    )

    assert answer.status_code == 422
    assert "不能丢的字" in answer.content.decode()
    assert "图片" in answer.content.decode()
    assert client.post("/learn/twelve/tasks/d2-map/", {"text": " "}).status_code == 422
    assert not Submission.objects.exists()


def test_a_late_task_is_taken_and_marked(client: Client, learner: Enrollment) -> None:
    client.post("/learn/twelve/tasks/d1-map/", {"text": "补上"})

    page = client.get("/learn/twelve/tasks/d1-map/").content.decode()
    assert "迟交" in page
    assert client.get("/learn/twelve/tasks/d3-map/").status_code == 403
    assert client.post("/learn/twelve/tasks/d3-map/", {"text": "早"}).status_code == 403


def test_the_course_lists_all_days_and_says_when_locked_ones_open(client: Client, learner: Enrollment) -> None:
    SubmissionFactory(enrollment=learner, task=learner.cohort.camp.tasks.get(ref="d1-map"), handed_in_at=NOON)

    page = client.get("/learn/twelve/course/").content.decode()

    for words in ("第 1 天", "第 4 天", "明天 08:00", "周日 08:00", "课 l9", "迟交"):
        assert words in page, words
    assert "/media/" not in page


def test_the_course_costs_the_same_whatever_was_done(
    client: Client, learner: Enrollment, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    lessons = list(learner.cohort.camp.lessons.filter(day__lte=2))
    with django_assert_max_num_queries(30) as before:
        client.get("/learn/twelve/course/")
    record_beats([Beat(learner.learner_id, lesson.pk, [(0, 50)], 50, "phone-1") for lesson in lessons], at=NOON)
    with django_assert_max_num_queries(30) as after:
        client.get("/learn/twelve/course/")

    assert len(before) == len(after)


@pytest.mark.parametrize(
    "place", ["lessons/l4/", "lessons/l6/", "lessons/nothing/", "course/", "notes/", "tasks/d2-map/", "tasks/nothing/"]
)
def test_strangers_and_those_who_left_find_nothing_hidden_or_not(
    client: Client, learner: Enrollment, place: str
) -> None:
    stranger = Client()
    assert stranger.get(f"/learn/twelve/{place}").headers["Location"].startswith("/account/")
    stranger.force_login(EnrollmentFactory().learner)
    end_enrollment(enrollment=learner, at=NOON - SECOND)

    answers = [one.get(f"/learn/twelve/{place}") for one in (stranger, client)]
    missing = stranger.get(f"/learn/thirteen/{place}")

    assert [answer.status_code for answer in (*answers, missing)] == [404, 404, 404]
    assert len({len(answer.content) for answer in answers}) <= 2
    assert "课 l" not in answers[0].content.decode() + answers[1].content.decode()


def test_notes_of_another_are_out_of_reach(client: Client, learner: Enrollment) -> None:
    other = NoteFactory(enrollment__cohort=learner.cohort, lesson=lesson_of(learner, "l4"), text="别人的")

    assert client.post(f"/learn/twelve/notes/{other.pk}/", {"text": "改"}).status_code == 404
    assert client.post(f"/learn/twelve/notes/{other.pk}/removal/").status_code == 404
    assert "别人的" not in client.get("/learn/twelve/lessons/l4/").content.decode()
    assert Note.objects.get().text == "别人的"
