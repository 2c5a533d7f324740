"""No byte of a lesson before its time, on any surface; and one second later, all of them."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from kaiying.camps.models import Lesson
from kaiying.learning.actions import Beat, record_beats
from kaiying.learning.models import Enrollment, Note, Progress
from kaiying.learning.queries import access_lesson, access_preview, player
from kaiying.learning.vocabulary import Locked, NoLesson, Why
from kaiying.people.vocabulary import RoleKind
from kaiying.wire import clock
from kaiying.wire.media import read_media_pass
from tests.factories.camps import CohortFactory, TeacherFactory, four_day_camp
from tests.factories.learning import EnrollmentFactory
from tests.factories.people import RoleFactory, UserFactory

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 7, 17, 4, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SECRETS = ("秘密正文", "秘密要点", "秘密章节", "秘密摘要", "l6.mp4", "l6.vtt", "l6.jpg", "/media/")


@pytest.fixture
def learner() -> Enrollment:
    """Return someone for whom lesson 6 opens tomorrow."""
    enrollment = EnrollmentFactory(cohort=CohortFactory(camp=four_day_camp(), slug="twelve"))
    Lesson.objects.filter(ref="l6").update(
        body={"zh-hans": "秘密正文"},
        essence=[{"zh-hans": "秘密要点"}],
        summary={"zh-hans": "秘密摘要"},
        chapters=[{"at": 0, "title": {"zh-hans": "秘密章节"}}],
        captions={"zh-hans": "camps/test/l6.vtt"},
        poster="camps/test/l6.jpg",
    )
    return enrollment


def surfaces(client: Client, lesson: Lesson, enrollment: Enrollment, at: datetime) -> dict[str, tuple[bool, str]]:
    """Try every way to a lesson at ``at``: whether it opened, and everything it said."""

    def page(place: str, **posted: str) -> tuple[bool, str]:
        url = f"/learn/twelve/{place}"
        answer = client.post(url, posted, headers={"hx-request": "true"}) if posted else client.get(url)
        return answer.status_code == 200, answer.content.decode()

    with clock.frozen(at):
        tried = {
            "page": page("lessons/l6/"),
            "note": page("lessons/l6/notes/", second="1", text="早"),
            "preview": page("preview/l6/"),
            "course": page("course/"),
            "lesson before": page("lessons/l5/"),
            "notes": page("notes/"),
        }
        [beat] = record_beats([Beat(enrollment.learner_id, lesson.pk, [(0, 5)], 5, "phone-1")], at=at)
    return tried | {"beats": (not isinstance(beat, Locked), str(beat))}


def test_no_lesson_byte_before_its_time_and_all_of_them_at_its_second(client: Client, learner: Enrollment) -> None:
    client.force_login(learner.learner)
    lesson = learner.cohort.camp.lessons.get(ref="l6")
    opens = learner.cohort.opens_at(3)

    early = surfaces(client, lesson, learner, opens - SECOND)
    progress, notes = Progress.objects.filter(lesson=lesson).count(), Note.objects.count()
    on_time = surfaces(client, lesson, learner, opens)

    own = ("page", "note", "preview", "beats")
    leaks = [(where, secret) for where, (_ok, said) in early.items() for secret in SECRETS[:4] if secret in said]
    leaks += [(where, secret) for where in own for secret in SECRETS[4:] if secret in early[where][1]]
    leaks += [
        (where, secret) for where in ("lesson before", "course") for secret in SECRETS[4:7] if secret in early[where][1]
    ]
    opened = [where for where in own if early[where][0]]
    figure = f"one second early: {len(early)} surfaces, {len(opened)} open, {len(leaks)} leaks"
    print(f"\n  {figure}; at the second: ", end="")
    print(f"{sum(on_time[where][0] for where in ('page', 'note', 'beats'))} of 3 open")
    assert (opened, leaks, progress, notes) == ([], [], 0, 0)
    assert [on_time[where][0] for where in ("page", "note", "beats", "preview")] == [True, True, True, False]
    assert all(
        secret in on_time["page"][1] for secret in ("秘密正文", "秘密要点", "秘密章节", "l6.mp4", "l6.vtt", "l6.jpg")
    )


def test_media_passes_are_for_this_person_and_end_with_the_replay(client: Client, learner: Enrollment) -> None:
    client.force_login(learner.learner)
    ends = datetime(2026, 8, 18, 16, tzinfo=UTC)

    with clock.frozen(ends - timedelta(hours=1)):
        page = client.get("/learn/twelve/lessons/l6/").content.decode()

    tokens = re.findall(r"/media/([^/]+)/camps/test/l6\.(?:mp4|vtt|jpg)", page)
    assert len(tokens) == 3
    for token in tokens:
        granted = read_media_pass(token, at=ends - SECOND)
        assert (granted.user_id, granted.until) == (learner.learner_id, ends.timestamp())


def test_a_preview_is_open_to_visitors_and_records_nothing(client: Client, learner: Enrollment) -> None:
    Lesson.objects.filter(ref="l6").update(is_preview=True)

    with clock.frozen(NOON):
        page = client.get("/learn/twelve/preview/l6/")
        hidden = [
            client.get(f"/learn/{place}/").status_code
            for place in ("twelve/preview/l5", "twelve/preview/x", "none/preview/l6")
        ]

    [token] = re.findall(r"/media/([^/]+)/camps/test/l6\.mp4", page.content.decode())
    assert read_media_pass(token, at=NOON).user_id == 0
    assert "beat-sender" not in page.content.decode()
    assert hidden == [404, 404, 404]
    assert not Progress.objects.exists()


def test_a_retired_lesson_is_not_there(learner: Enrollment) -> None:
    Lesson.objects.filter(ref="l4").update(retired_at=NOON, is_preview=True)

    for ask in (
        lambda: access_lesson(user=learner.learner, cohort_slug="twelve", ref="l4", at=NOON),
        lambda: access_preview(cohort_slug="twelve", ref="l4", at=NOON),
    ):
        with pytest.raises(NoLesson):
            ask()


@pytest.mark.parametrize(
    ("kind", "of_this_team", "sees"),
    [
        (RoleKind.OWNER, True, True),
        (RoleKind.OPERATOR, True, True),
        (RoleKind.HEAD_TEACHER, True, True),
        (RoleKind.MENTOR, True, False),  # a mentor teaches the cohorts they are on the staff of
        (RoleKind.OWNER, False, False),
        (RoleKind.HEAD_TEACHER, False, False),
    ],
)
def test_staff_of_the_team_see_every_lesson_and_record_nothing(
    client: Client, learner: Enrollment, kind: RoleKind, *, of_this_team: bool, sees: bool
) -> None:
    role = RoleFactory(kind=kind, **({"organizer": learner.cohort.camp.organizer} if of_this_team else {}))
    client.force_login(role.user)

    with clock.frozen(NOON):
        answer = client.get("/learn/twelve/lessons/l6/")

    assert answer.status_code == (200 if sees else 404)
    assert "beat-sender" not in answer.content.decode()
    assert client.post("/learn/twelve/lessons/l6/notes/", {"second": "1", "text": "x"}).status_code == 404
    assert not Progress.objects.exists()


def test_a_mentor_on_the_staff_of_the_cohort_sees_its_lessons(learner: Enrollment) -> None:
    mentor = UserFactory()
    learner.cohort.staffings.create(teacher=TeacherFactory(camp=learner.cohort.camp), user=mentor)

    access = access_lesson(user=mentor, cohort_slug="twelve", ref="l6", at=NOON)

    assert (access.opening.why, access.enrollment) == (Why.STAFF, None)
    assert player(access, NOON).next is not None


def test_the_player_tells_how_much_of_each_chapter_was_seen(learner: Enrollment) -> None:
    lesson = learner.cohort.camp.lessons.get(ref="l4")
    lesson.chapters = [{"at": at, "title": {"en": str(at)}} for at in (0, 40, 80)]
    lesson.save(update_fields=["chapters"])
    record_beats([Beat(learner.learner_id, lesson.pk, [(0, 38), (60, 70)], 70, "phone-1")], at=NOON)

    found = player(access_lesson(user=learner.learner, cohort_slug="twelve", ref="l4", at=NOON), NOON)

    assert [(one.start, one.end, one.seen, one.is_done) for one in found.chapters] == [
        (0, 40, 38, True),
        (40, 80, 10, False),
        (80, 120, 0, False),
    ]
    assert (found.watched, found.resume_at, found.minutes_left, found.is_complete) == (48, 70, 1, False)
    assert found.next is not None
    assert (found.next.lesson.ref, found.next.opening.is_open) == ("l5", True)
