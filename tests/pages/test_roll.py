"""The operator's learners and the decisions about their locks."""

from datetime import timedelta

import pytest

from kaiying.learning.models import Override
from kaiying.pages.queries import roll
from kaiying.wire import clock
from tests.factories.groups import seated
from tests.factories.learning import OverrideFactory, ProgressFactory, SubmissionFactory
from tests.factories.people import UserFactory


def test_a_line_says_what_a_learner_has_done(stage):
    now = clock.now()
    ProgressFactory(enrollment=stage.enrollment, lesson=stage.camp.lessons.get(ref="l1"), completed_at=now)
    SubmissionFactory(enrollment=stage.enrollment, task=stage.camp.tasks.get(ref="d1-map"))

    listed = roll(cohort=stage.cohort, search="", page=1, at=now)

    (line,) = listed.lines
    assert (line.group_number, line.lessons_done, listed.lessons, line.handed_in) == (1, 1, 9, 1)


def test_learners_are_found_by_name_and_address(stage):
    seated(stage.group, UserFactory(name="Zhao", email="zhao@example.org"))

    for search, found in (("zha", 1), ("ZHAO@", 1), ("nobody", 0), ("", 2)):
        assert roll(cohort=stage.cohort, search=search, page=1, at=clock.now()).total == found


def test_the_list_has_pages_and_a_page_too_far_is_the_last(stage):
    for _ in range(50):
        seated(stage.group)

    last = roll(cohort=stage.cohort, search="", page=9, at=clock.now())

    assert (last.page, last.pages, len(last.lines), last.total) == (2, 2, 1, 51)


@pytest.mark.parametrize("rows", [1, 3, 30])
def test_the_list_costs_the_same_whatever_the_crowd(stage, as_, django_assert_num_queries, rows):
    for _ in range(rows):
        ProgressFactory(enrollment=seated(stage.group), lesson=stage.camp.lessons.get(ref="l1"))
    browser = as_(stage.operator)
    browser.get(f"/desk/{stage.cohort.slug}/learners/")

    with django_assert_num_queries(12):
        browser.get(f"/desk/{stage.cohort.slug}/learners/")


def of(stage):
    return f"/desk/{stage.cohort.slug}/learners/{stage.enrollment.pk}/"


def test_a_decision_keeps_its_reason_and_its_maker(stage, as_):
    answer = as_(stage.operator).post(
        of(stage) + "overrides/", {"what": "day-4", "opens_at": "2026-07-17T09:30", "reason": "Travels on day 4"}
    )

    assert answer.status_code == 302
    kept = Override.objects.get()
    assert (kept.day, kept.reason, kept.by) == (4, "Travels on day 4", stage.operator)
    assert kept.opens_at.isoformat() == "2026-07-17T01:30:00+00:00"


def test_one_lesson_can_be_decided_about(stage, as_):
    lesson = stage.camp.lessons.get(ref="l9")

    as_(stage.operator).post(
        of(stage) + "overrides/", {"what": f"lesson-{lesson.pk}", "opens_at": "2026-07-17T09:30", "reason": "asked"}
    )

    assert Override.objects.get().lesson == lesson


def test_what_was_typed_stays_when_it_cannot_be_taken(stage, as_):
    answer = as_(stage.operator).post(
        of(stage) + "overrides/", {"what": "day-4", "opens_at": "soon", "reason": "A good one"}
    )

    assert answer.status_code == 422
    html = answer.content.decode()
    assert 'value="A good one"' in html
    assert '<option value="day-4" selected' in html
    assert not Override.objects.exists()


def test_another_camps_lesson_cannot_be_chosen(stage, as_):
    answer = as_(stage.operator).post(
        of(stage) + "overrides/", {"what": "lesson-999999", "opens_at": "2026-07-17T09:30", "reason": "x"}
    )

    assert answer.status_code == 422


def test_a_withdrawn_decision_stays_on_the_page(stage, as_):
    decided = OverrideFactory(enrollment=stage.enrollment, reason="Was ill", by=stage.operator)

    as_(stage.operator).post(of(stage) + f"overrides/{decided.pk}/withdrawal/")

    decided.refresh_from_db()
    assert decided.withdrawn_at is not None
    assert "Was ill" in as_(stage.operator).get(of(stage)).content.decode()


def test_a_decision_of_another_learner_is_not_found_here(stage, as_):
    other = OverrideFactory(enrollment=seated(stage.group), by=stage.operator)

    assert as_(stage.operator).post(of(stage) + f"overrides/{other.pk}/withdrawal/").status_code == 404


def test_a_moment_more_than_ten_years_away_is_refused_with_what_was_typed(stage, as_):
    answer = as_(stage.operator).post(of(stage) + "travel/", {"at": "2099-01-01T00:00"})

    assert answer.status_code == 422
    assert 'value="2099-01-01T00:00"' in answer.content.decode()
    assert abs(stage.cohort.opens_at(1) - clock.now()) < timedelta(days=3)
