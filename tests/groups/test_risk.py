"""Whom to contact and why."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils.translation import override

from kaiying.groups.queries.risk import Duty, Facts, Watch, is_behind, reasons, standing
from kaiying.groups.vocabulary import ReasonKind, Standing

OPENS = datetime(2026, 7, 16, 0, 0, tzinfo=UTC)
DUE = [datetime(2026, 7, 16, 15, 59, tzinfo=UTC), datetime(2026, 7, 17, 15, 59, tzinfo=UTC)]
EVENING = datetime(2026, 7, 17, 11, 42, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _in_english():
    with override("en"):
        yield


def watch(label="L1", day=1, **facts):
    return Watch(**{"label": label, "day": day, "length": 1200, "is_open": True, **facts})


def complete(label="L1", day=1):
    return watch(
        label, day, seconds=1200, position=1200, touched_at=EVENING - 5 * HOUR, is_complete=True, opened_count=1
    )


def done(day=1):
    return Duty(day, is_open=True, due_at=DUE[day - 1], done_at=DUE[day - 1] - HOUR)


def open_duty(day=1):
    return Duty(day, is_open=True, due_at=DUE[day - 1])


def facts(**given):
    return Facts(
        **{
            "began_at": OPENS,
            "ends_at": OPENS + timedelta(days=6),
            "last_seen_at": EVENING - HOUR,
            "today": 2,
            "watches": [complete()],
            "check_ins": [done(1), done(2)],
            "submissions": [done(1), open_duty(2)],
            **given,
        }
    )


def kinds(found):
    return [reason.kind for reason in found]


def test_who_keeps_up_needs_no_word():
    assert reasons(facts(), at=EVENING) == ()


@pytest.mark.parametrize(("hours", "expected"), [(19, []), (20, [ReasonKind.AWAY]), (31, [ReasonKind.AWAY])])
def test_twenty_hours_away_with_something_to_do_is_a_reason(hours, expected):
    found = reasons(facts(last_seen_at=EVENING - hours * HOUR, watches=[watch()]), at=EVENING)

    assert kinds(found) == expected


def test_the_sentence_names_the_hours_and_the_place_of_the_lesson_touched_last():
    watches = [
        watch("L1", seconds=300, position=300, touched_at=EVENING - 40 * HOUR),
        watch("L2", seconds=540, position=544, touched_at=EVENING - 31 * HOUR),
    ]

    (reason,) = reasons(facts(last_seen_at=EVENING - 31 * HOUR, watches=watches), at=EVENING)

    assert reason.text == "Not seen for 31 hours. Stopped L2 at 09:04."
    with override("zh-hans"):
        assert reason.text == "31 小时没打开。L2 停在 09:04。"


def test_who_never_came_is_counted_from_the_opening():
    (reason,) = reasons(facts(last_seen_at=None, watches=[watch()]), at=OPENS + 24 * HOUR)

    assert reason.text == "The camp has been open for 24 hours; not seen yet."


def test_being_seen_before_the_camp_opened_is_not_coming():
    (reason,) = reasons(facts(last_seen_at=OPENS - 9 * HOUR, watches=[watch()]), at=OPENS + 21 * HOUR)

    assert reason.text == "The camp has been open for 21 hours; not seen yet."


def test_who_has_done_everything_may_stay_away():
    away = facts(last_seen_at=EVENING - 30 * HOUR, submissions=[done(1), done(2)])

    assert reasons(away, at=EVENING) == ()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, [ReasonKind.STUCK]),
        ({"opened_count": 2}, []),
        ({"position": 100}, []),  # went back on purpose
        ({"is_complete": True}, []),
        ({"is_open": False}, []),
        ({"farthest": 0, "position": 0}, []),
    ],
)
def test_opening_a_lesson_again_and_again_without_coming_farther_is_a_reason(change, expected):
    stuck = watch(
        "L3",
        2,
        **{"opened_count": 4, "seconds": 350, "position": 372, "farthest": 370, "touched_at": EVENING, **change},
    )

    assert kinds(reasons(facts(watches=[stuck]), at=EVENING)) == expected


def test_the_sentence_of_someone_stuck_says_how_often_and_where():
    stuck = watch("L3", 2, opened_count=4, seconds=350, position=372, farthest=370, touched_at=EVENING)

    (reason,) = reasons(facts(watches=[stuck]), at=EVENING)

    assert reason.text == "Opened L3 4 times, never got past 06:10."


@pytest.mark.parametrize(
    ("check_ins", "expected"),
    [
        ([open_duty(1), open_duty(2)], [ReasonKind.NO_CHECK_IN]),
        ([done(1), open_duty(2)], []),
        ([open_duty(1), done(2)], []),
        ([open_duty(2)], []),
        ([open_duty(1), Duty(2, is_open=False, due_at=DUE[1])], []),
    ],
)
def test_two_days_in_a_row_without_a_check_in_are_a_reason(check_ins, expected):
    assert kinds(reasons(facts(check_ins=check_ins), at=EVENING)) == expected


def test_a_late_joiner_with_two_days_to_catch_up_is_not_late_yet():
    catching_up = [Duty(1, is_open=True, due_at=DUE[1]), open_duty(2)]

    assert reasons(facts(began_at=EVENING - 8 * HOUR, check_ins=catching_up), at=EVENING) == ()


def test_the_sentence_tells_who_watches_without_checking_in():
    missing = [open_duty(1), open_duty(2)]

    (watching,) = reasons(facts(check_ins=missing), at=EVENING)
    (silent,) = reasons(facts(check_ins=missing, watches=[]), at=EVENING)

    assert watching.text == "No check-in for 2 days in a row, but still watching."
    assert silent.text == "No check-in for 2 days in a row."


@pytest.mark.parametrize(("hours", "expected"), [(0, []), (11, []), (12, [ReasonKind.NOT_HANDED_IN])])
def test_a_task_is_missing_half_a_day_after_its_deadline(hours, expected):
    at = DUE[0] + hours * HOUR + timedelta(minutes=1)

    found = reasons(facts(submissions=[open_duty(1)], last_seen_at=at), at=at)

    assert kinds(found) == expected


def test_the_weightiest_reason_comes_first():
    found = reasons(
        facts(
            last_seen_at=EVENING - 46 * HOUR,
            check_ins=[open_duty(1), open_duty(2)],
            submissions=[open_duty(1)],
            began_at=OPENS - 46 * HOUR,
        ),
        at=EVENING,
    )

    assert kinds(found) == [ReasonKind.AWAY, ReasonKind.NO_CHECK_IN, ReasonKind.NOT_HANDED_IN]


@pytest.mark.parametrize("at", [OPENS - HOUR, OPENS + timedelta(days=6)])
def test_before_and_after_the_camp_nobody_is_chased(at):
    assert reasons(facts(last_seen_at=None, check_ins=[open_duty(1), open_duty(2)]), at=at) == ()


@pytest.mark.parametrize(
    ("change", "pace", "expected"),
    [
        ({}, 0.0, False),
        ({"watches": [watch("L1", 1, seconds=600)]}, 0.0, True),  # yesterday's lesson
        ({"check_ins": [open_duty(1), done(2)]}, 0.0, True),  # a deadline passed
        ({"watches": [watch("L3", 2, seconds=600)]}, 0.6, False),  # 0.5 lessons, three quarters of 0.6 are 0.45
        ({"watches": [watch("L3", 2, seconds=600)]}, 0.7, True),
    ],
)
def test_who_is_a_little_behind(change, pace, expected):
    assert is_behind(facts(**change), class_pace=pace, at=EVENING) is expected


def test_a_reason_puts_a_learner_among_those_to_contact():
    slow = facts(watches=[watch("L1", 1, seconds=600)])

    assert standing(reasons(slow, at=EVENING), slow, class_pace=1, at=EVENING) == Standing.SLOW
    assert standing(reasons(facts(), at=EVENING), facts(), class_pace=0, at=EVENING) == Standing.FINE


@pytest.mark.parametrize(
    ("seconds", "facts_of_watch", "level", "percent"),
    [
        (0, {"is_open": False}, "x", 0),
        (0, {}, "0", 0),
        (1, {"touched_at": EVENING}, "1", 1),
        (479, {"touched_at": EVENING}, "1", 39),
        (480, {"touched_at": EVENING}, "2", 40),
        (959, {"touched_at": EVENING}, "2", 79),
        (960, {"touched_at": EVENING}, "3", 80),
        (1199, {"touched_at": EVENING}, "3", 99),
        (1100, {"touched_at": EVENING, "is_complete": True}, "4", 100),
        (600, {"touched_at": EVENING, "is_open": False}, "2", 50),
    ],
)
def test_the_steps_of_the_heat_table(seconds, facts_of_watch, level, percent):
    one = watch(seconds=seconds, **facts_of_watch)

    assert (one.level, one.percent) == (level, percent)


def test_minutes_left_are_rounded_up():
    assert watch(seconds=421).minutes_left == 13
    assert complete().minutes_left == 1
