"""Getting a place in a cohort, and losing it."""

from datetime import UTC, datetime, timedelta

import pytest

from kaiying.camps.models import Camp
from kaiying.learning.actions import Beat, end_enrollment, enroll, override_unlock, record_beats, withdraw_override
from kaiying.learning.models import Enrollment, Progress
from kaiying.learning.queries import access_lesson
from kaiying.learning.vocabulary import NoLesson, ReasonMissing
from kaiying.outbox.models import Event
from tests.factories.camps import CohortFactory, LessonFactory, four_day_camp
from tests.factories.learning import EnrollmentFactory
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 7, 17, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def events(name: str) -> list[tuple[str, dict[str, object]]]:
    return [(one.channel, one.facts) for one in Event.objects.filter(name=name).order_by("pk")]


def test_enrolling_gives_a_place_and_tells_the_cohort() -> None:
    cohort, learner = CohortFactory(), UserFactory()

    enrollment = enroll(cohort=cohort, learner=learner, at=NOON, source="KY-1")

    assert (enrollment.enrolled_at, enrollment.source, enrollment.ended_at) == (NOON, "KY-1", None)
    facts = {"cohort": cohort.pk, "enrollment": enrollment.pk, "learner": learner.pk, "reinstated": False}
    assert events("learning.enrolled") == [(f"cohort:{cohort.pk}", facts)]


def test_enrolling_again_changes_nothing() -> None:
    cohort, learner = CohortFactory(), UserFactory()

    first = enroll(cohort=cohort, learner=learner, at=NOON, source="KY-1")
    again = enroll(cohort=cohort, learner=learner, at=NOON + HOUR, source="KY-2")

    assert again == first
    assert (again.enrolled_at, again.source) == (NOON, "KY-1")
    assert len(events("learning.enrolled")) == 1


def test_whoever_comes_back_gets_the_old_place_with_everything_in_it() -> None:
    enrollment = EnrollmentFactory()
    lesson = LessonFactory(camp=enrollment.cohort.camp)
    record_beats([Beat(enrollment.learner_id, lesson.pk, [(0, 10)], 10)], at=NOON)
    end_enrollment(enrollment=enrollment, at=NOON)

    back = enroll(cohort=enrollment.cohort, learner=enrollment.learner, at=NOON + HOUR, source="KY-9")

    assert (back, back.ended_at, back.source) == (enrollment, None, "KY-9")
    assert Progress.objects.get().seconds == 10
    assert [facts["reinstated"] for _channel, facts in events("learning.enrolled")] == [True]


def test_leaving_shuts_everything_at_once_and_only_once() -> None:
    enrollment = EnrollmentFactory()
    lesson = LessonFactory(camp=enrollment.cohort.camp, video="camps/test/l1.mp4")
    Camp.objects.update(media={"media/a.png": "camps/pictures/1.png"})
    slug = enrollment.cohort.slug

    def ask(at: datetime) -> object:
        return access_lesson(user=enrollment.learner, cohort_slug=slug, ref=lesson.ref, at=at)

    assert ask(NOON)
    end_enrollment(enrollment=enrollment, at=NOON, reason="refunded")
    end_enrollment(enrollment=enrollment, at=NOON + HOUR)

    with pytest.raises(NoLesson):
        ask(NOON)
    assert Enrollment.objects.get().ended_at == NOON
    learner = enrollment.learner_id
    assert events("people.access_revoked") == [
        (
            f"learner:{learner}",
            {
                "user": learner,
                "channels": [f"cohort:{enrollment.cohort_id}"],
                "media": ["camps/pictures/", "camps/test/"],
            },
        )
    ]
    assert [facts["reason"] for _channel, facts in events("learning.enrollment_ended")] == ["refunded"]


def test_an_override_keeps_its_reason_and_actor_and_replaces_the_one_before() -> None:
    enrollment = EnrollmentFactory(cohort=CohortFactory(camp=four_day_camp()))
    operator = UserFactory()

    first = override_unlock(enrollment=enrollment, day=4, opens_at=NOON, reason=" Travels ", by=operator, at=NOON)
    second = override_unlock(
        enrollment=enrollment, day=4, opens_at=NOON + HOUR, reason="Later train", by=operator, at=NOON
    )

    first.refresh_from_db()
    assert (first.reason, first.by, first.withdrawn_at, second.withdrawn_at) == ("Travels", operator, NOON, None)
    [*_, (channel, facts)] = events("people.access_revoked")
    assert (channel, facts["media"]) == (f"learner:{enrollment.learner_id}", ["camps/test/l8.mp4", "camps/test/l9.mp4"])
    assert len(events("learning.unlock_changed")) == 2


def test_an_override_voids_passes_to_the_pictures_of_its_lessons_only() -> None:
    enrollment = EnrollmentFactory(cohort=CohortFactory(camp=four_day_camp()))
    enrollment.cohort.camp.lessons.filter(ref="l9").update(body={"zh-hans": "![图](media/9.png)"})
    enrollment.cohort.camp.media = {"media/9.png": "camps/test/9.png", "media/1.png": "camps/test/1.png"}

    override_unlock(enrollment=enrollment, day=4, opens_at=NOON, reason="Asked", by=UserFactory(), at=NOON)

    [(_channel, facts)] = events("people.access_revoked")
    assert facts["media"] == ["camps/test/l8.mp4", "camps/test/l9.mp4", "camps/test/9.png"]


def test_an_override_opens_one_lesson_until_it_is_withdrawn() -> None:
    enrollment = EnrollmentFactory(cohort=CohortFactory(camp=four_day_camp()))
    lesson = enrollment.cohort.camp.lessons.get(ref="l9")
    override = override_unlock(
        enrollment=enrollment, lesson=lesson, opens_at=NOON, reason="Asked", by=UserFactory(), at=NOON
    )

    def seconds() -> int:
        answers = record_beats([Beat(enrollment.learner_id, lesson.pk, [(0, 10)])], at=NOON + HOUR)
        return getattr(answers[0], "watched", 0)

    assert seconds() == 10
    withdraw_override(override=override, at=NOON)
    withdraw_override(override=override, at=NOON + HOUR)
    assert seconds() == 0
    override.refresh_from_db()
    assert override.withdrawn_at == NOON


def test_an_override_needs_a_reason_and_exactly_one_thing_of_this_camp() -> None:
    enrollment = EnrollmentFactory()
    facts = {"enrollment": enrollment, "opens_at": NOON, "by": enrollment.learner, "at": NOON}

    with pytest.raises(ReasonMissing):
        override_unlock(day=2, reason="  ", **facts)
    with pytest.raises(ValueError, match="a lesson or for a day"):
        override_unlock(reason="Asked", **facts)
    with pytest.raises(ValueError, match="another camp"):
        override_unlock(lesson=LessonFactory(), reason="Asked", **facts)
    assert not enrollment.overrides.exists()
