"""When a lesson opens: a clock matrix."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaiying.camps.models import Camp, Cohort, Lesson
from kaiying.camps.vocabulary import UnlockClock
from kaiying.kit import periods
from kaiying.learning.models import Enrollment, Override
from kaiying.learning.queries import due_at, opening, replay_ends_at
from kaiying.learning.vocabulary import Opening, Why

SECOND = timedelta(seconds=1)
DAYS = 4
START = date(2026, 7, 16)


def cohort(**facts: object) -> Cohort:
    """Build a cohort in memory: the rule needs no database."""
    rule = {
        "starts_on": START,
        "zone": "Asia/Shanghai",
        "unlock_at": time(8),
        "deadline_at": time(23, 59),
        "replay_days": 30,
    }
    return Cohort(pk=1, camp=Camp(pk=1), **(rule | facts))


def enrollment(at: datetime, **facts: object) -> Enrollment:
    return Enrollment(pk=1, cohort_id=1, learner_id=1, enrolled_at=at, **facts)


def shanghai(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 7, day, hour, minute, second, tzinfo=ZoneInfo("Asia/Shanghai"))


def ask(
    at: datetime,
    *,
    day: int = 2,
    run: Cohort | None = None,
    who: Enrollment | None = None,
    overrides: tuple[Override, ...] = (),
    **lesson: object,
) -> Opening:
    return opening(
        cohort=run or cohort(),
        enrollment=who or enrollment(shanghai(15, 20)),
        lesson=Lesson(pk=day, camp_id=1, ref=f"l{day}", day=day, **lesson),
        overrides=overrides,
        last_day=DAYS,
        at=at,
    )


@pytest.mark.parametrize("day", [1, 2, 3, 4])
def test_by_the_calendar_a_day_opens_at_its_second_and_not_before(day: int) -> None:
    opens = shanghai(15 + day, 8)

    early, on_time = ask(opens - SECOND, day=day), ask(opens, day=day)

    assert (early.is_open, early.why, early.opens_at, early.decided_by) == (False, Why.NOT_YET, opens, Why.CALENDAR)
    assert (on_time.is_open, on_time.why, on_time.catch_up) == (True, Why.CALENDAR, False)


@given(
    zone=st.sampled_from(
        [
            "Asia/Shanghai",
            "America/New_York",
            "Europe/Berlin",
            "Australia/Lord_Howe",
            "Asia/Kathmandu",
            "Pacific/Auckland",
        ]
    ),
    starts_on=st.dates(date(2025, 1, 1), date(2028, 12, 31)),
    unlock_at=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    day=st.integers(1, 14),
)
@settings(max_examples=200)
def test_the_clock_matrix_has_no_early_second_in_any_zone_through_any_change_of_clocks(
    zone: str, starts_on: date, unlock_at: time, day: int
) -> None:
    run = cohort(zone=zone, starts_on=starts_on, unlock_at=unlock_at)
    who = enrollment(datetime(2024, 1, 1, tzinfo=UTC))
    opens = periods.moment(starts_on + timedelta(days=day - 1), unlock_at, zone)

    def asked(at: datetime) -> Opening:
        return opening(
            cohort=run, enrollment=who, lesson=Lesson(pk=1, camp_id=1, day=day), overrides=(), last_day=14, at=at
        )

    assert not asked(opens - SECOND).is_open
    assert asked(opens).is_open
    wall = opens.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert wall >= datetime.combine(starts_on + timedelta(days=day - 1), unlock_at)


@pytest.mark.parametrize(
    ("zone", "on", "opens"),
    [
        ("America/New_York", date(2026, 3, 7), datetime(2026, 3, 7, 13, tzinfo=UTC)),
        ("America/New_York", date(2026, 3, 8), datetime(2026, 3, 8, 12, tzinfo=UTC)),
        ("Europe/Berlin", date(2026, 10, 24), datetime(2026, 10, 24, 6, tzinfo=UTC)),
        ("Europe/Berlin", date(2026, 10, 25), datetime(2026, 10, 25, 7, tzinfo=UTC)),
    ],
)
def test_eight_o_clock_stays_eight_o_clock_when_clocks_change(zone: str, on: date, opens: datetime) -> None:
    run = cohort(zone=zone, starts_on=on)

    found = ask(opens, day=1, run=run, who=enrollment(datetime(2026, 1, 1, tzinfo=UTC)))

    assert (found.is_open, found.opens_at) == (True, opens)
    assert not ask(opens - SECOND, day=1, run=run, who=enrollment(datetime(2026, 1, 1, tzinfo=UTC))).is_open


def test_whoever_joins_late_finds_the_earlier_days_open_and_marked() -> None:
    joined = shanghai(18, 15)
    who = enrollment(joined)

    found = {day: ask(joined, day=day, who=who) for day in (1, 2, 3, 4)}

    assert {day: one.is_open for day, one in found.items()} == {1: True, 2: True, 3: True, 4: False}
    assert {day: one.catch_up for day, one in found.items()} == {1: True, 2: True, 3: False, 4: False}
    assert found[1].opens_at == joined


def test_by_the_personal_clock_day_1_is_the_day_of_enrolling() -> None:
    run = cohort(clock=UnlockClock.PERSONAL)
    who = enrollment(shanghai(20, 22, 30))

    assert ask(shanghai(20, 22, 30), day=1, run=run, who=who).why is Why.PERSONAL
    assert not ask(shanghai(21, 7, 59, 59), day=2, run=run, who=who).is_open
    assert ask(shanghai(21, 8), day=2, run=run, who=who).is_open
    assert ask(shanghai(23, 7, 59, 59), day=4, run=run, who=who).opens_at == shanghai(23, 8)


def test_the_personal_clock_opens_day_1_at_once_also_before_the_unlock_time() -> None:
    run = cohort(clock=UnlockClock.PERSONAL)
    who = enrollment(shanghai(20, 6))

    assert ask(shanghai(20, 6), day=1, run=run, who=who).is_open
    assert not ask(shanghai(20, 8), day=2, run=run, who=who).is_open
    assert ask(shanghai(21, 8), day=2, run=run, who=who).is_open


def override(**facts: object) -> Override:
    return Override(
        **(
            {
                "pk": 1,
                "enrollment_id": 1,
                "day": 4,
                "opens_at": shanghai(16, 9),
                "reason": "Travels",
                "by_id": 7,
                "at": shanghai(16, 8),
            }
            | facts
        )
    )


def test_an_override_opens_a_day_earlier_and_says_who_and_why() -> None:
    found = ask(shanghai(16, 9), day=4, overrides=(override(),))

    assert (found.is_open, found.why, found.reason, found.actor_id) == (True, Why.OVERRIDE, "Travels", 7)
    early = ask(shanghai(16, 9) - SECOND, day=4, overrides=(override(),))
    assert (early.why, early.decided_by, early.opens_at) == (Why.NOT_YET, Why.OVERRIDE, shanghai(16, 9))
    assert not ask(shanghai(16, 9), day=3, overrides=(override(),)).is_open


def test_an_override_can_also_postpone() -> None:
    late = override(day=1, opens_at=shanghai(17, 20))

    assert not ask(shanghai(17, 19), day=1, overrides=(late,)).is_open
    assert ask(shanghai(17, 20), day=1, overrides=(late,)).is_open


def test_the_override_of_a_lesson_goes_before_that_of_its_day_and_the_latest_before_earlier_ones() -> None:
    of_day = override(pk=1, day=3, opens_at=shanghai(16, 12))
    of_lesson = override(pk=2, day=None, lesson_id=3, opens_at=shanghai(16, 15))
    later = override(pk=3, day=None, lesson_id=3, opens_at=shanghai(16, 18), at=shanghai(16, 9))

    assert ask(shanghai(16, 14), day=3, overrides=(of_day,)).is_open
    assert not ask(shanghai(16, 14), day=3, overrides=(of_day, of_lesson)).is_open
    assert ask(shanghai(16, 16), day=3, overrides=(of_day, of_lesson, later)).opens_at == shanghai(16, 18)


def test_an_override_counts_from_its_decision_until_it_is_withdrawn() -> None:
    once = override(withdrawn_at=shanghai(16, 20))

    assert not ask(shanghai(16, 7, 59), day=4, overrides=(once,)).is_open
    assert ask(shanghai(16, 19, 59), day=4, overrides=(once,)).is_open
    assert not ask(shanghai(16, 20), day=4, overrides=(once,)).is_open


def test_the_override_of_another_lesson_changes_nothing() -> None:
    other = override(day=None, lesson_id=99)

    assert not ask(shanghai(16, 12), day=4, overrides=(other,)).is_open


def test_a_preview_is_open_to_everyone_at_any_time() -> None:
    assert ask(shanghai(10, 8), day=3, is_preview=True).why is Why.PREVIEW
    assert ask(shanghai(18, 8), day=3, is_preview=True).why is Why.CALENDAR


def test_a_retired_lesson_is_gone_even_if_a_preview() -> None:
    assert ask(shanghai(18, 8), retired_at=shanghai(18, 8), is_preview=True).why is Why.RETIRED
    assert ask(shanghai(18, 8) - SECOND, retired_at=shanghai(18, 8)).is_open


def test_watching_again_ends_after_the_replay_days() -> None:
    ends = replay_ends_at(cohort=cohort(replay_days=30), enrollment=enrollment(shanghai(15, 20)), last_day=DAYS)

    assert ends == datetime(2026, 8, 18, 16, tzinfo=UTC)  # midnight after 18 August in Shanghai
    assert ask(ends - SECOND, day=4).is_open
    assert ask(ends, day=4).why is Why.EXPIRED
    assert ask(ends, day=4, overrides=(override(),)).why is Why.EXPIRED


def test_nobody_without_a_standing_enrollment_gets_in() -> None:
    gone = enrollment(shanghai(15, 20), ended_at=shanghai(17, 12))

    assert ask(shanghai(17, 12) - SECOND, who=gone).is_open
    assert ask(shanghai(17, 12), who=gone).why is Why.ENDED
    assert ask(shanghai(14, 12), who=gone).why is Why.NOT_ENROLLED
    nobody = opening(
        cohort=cohort(),
        enrollment=None,
        lesson=Lesson(pk=1, camp_id=1, day=1),
        overrides=(),
        last_day=4,
        at=shanghai(19, 8),
    )
    assert nobody.why is Why.NOT_ENROLLED


def test_tasks_are_due_on_the_evening_of_their_day_and_never_before_one_joined() -> None:
    early, late, very_late = (
        enrollment(at) for at in (shanghai(15, 20), shanghai(18, 15), datetime(2026, 7, 18, 15, 59, 30, tzinfo=UTC))
    )

    assert due_at(cohort=cohort(), enrollment=early, day=2) == shanghai(17, 23, 59)
    assert due_at(cohort=cohort(), enrollment=late, day=1) == shanghai(18, 23, 59)
    assert due_at(cohort=cohort(), enrollment=very_late, day=1) == shanghai(19, 23, 59)
    assert due_at(cohort=cohort(), enrollment=late, day=4) == shanghai(19, 23, 59)
