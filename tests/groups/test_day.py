"""A class's day."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from kaiying.camps.vocabulary import UnlockClock
from kaiying.groups.actions import check_in
from kaiying.groups.queries import check_in_wall, pinned_topic, rhythm, teaser
from kaiying.groups.queries.day import BeatKind
from tests.factories.camps import CampFactory, CohortFactory, TaskFactory, TopicFactory, four_day_camp
from tests.factories.groups import PostFactory, class_of, seated, teacher_of
from tests.factories.learning import SubmissionFactory

pytestmark = pytest.mark.django_db
HALF_PAST_TWELVE = datetime(2026, 7, 16, 4, 30, tzinfo=UTC)


def test_a_topic_appears_at_its_second_by_the_cohorts_clock_and_never_before():
    group = class_of()
    topic = TopicFactory(camp=group.cohort.camp, day=1)
    TopicFactory(camp=group.cohort.camp, day=2, at=time(0, 0))

    assert pinned_topic(group, at=HALF_PAST_TWELVE - timedelta(seconds=1)) is None
    shown = pinned_topic(group, at=HALF_PAST_TWELVE)
    assert (shown.topic, shown.at) == (topic, HALF_PAST_TWELVE)


def test_the_latest_topic_stays_pinned_until_the_next_and_after_the_camp():
    group = class_of()
    camp = group.cohort.camp
    TopicFactory(camp=camp, day=1)
    second = TopicFactory(camp=camp, day=1, at=time(20))
    last = TopicFactory(camp=camp, day=4)

    assert pinned_topic(group, at=HALF_PAST_TWELVE + timedelta(days=1)).topic == second
    assert pinned_topic(group, at=HALF_PAST_TWELVE + timedelta(days=30)).topic == last


def test_another_camps_topic_is_not_pinned(noon):
    group = class_of()
    TopicFactory(camp=CampFactory())

    assert pinned_topic(group, at=noon) is None


@pytest.mark.parametrize(
    ("starts_on", "day", "at", "appears"),
    [
        # Clocks in New York go from 2:00 to 3:00 on 8 March 2026: 2:30 is not there, the topic appears at 3:00.
        (date(2026, 3, 8), 1, time(2, 30), datetime(2026, 3, 8, 7, 0, tzinfo=UTC)),
        (date(2026, 3, 7), 2, time(12, 30), datetime(2026, 3, 8, 16, 30, tzinfo=UTC)),
        (date(2026, 3, 7), 1, time(12, 30), datetime(2026, 3, 7, 17, 30, tzinfo=UTC)),
        # 1:30 comes twice on 1 November: the topic appears the first time.
        (date(2026, 11, 1), 1, time(1, 30), datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
    ],
)
def test_a_topic_keeps_its_time_of_day_when_clocks_change(starts_on, day, at, appears):
    cohort = CohortFactory(zone="America/New_York", starts_on=starts_on)
    group = class_of(cohort)
    TopicFactory(camp=cohort.camp, day=day, at=at)

    assert pinned_topic(group, at=appears - timedelta(seconds=1)) is None
    assert pinned_topic(group, at=appears).at == appears


def test_what_was_said_since_is_counted(noon):
    group = class_of()
    TopicFactory(camp=group.cohort.camp, day=1)
    PostFactory(group=group, posted_at=HALF_PAST_TWELVE - timedelta(minutes=1))
    post = PostFactory(group=group)
    PostFactory(group=group, parent=post)
    PostFactory(group=group, removed_at=noon)

    assert pinned_topic(group, at=noon).said == 2


def test_the_wall_shows_who_checked_in_earliest_first_and_who_did_not(noon):
    group = class_of()
    late, early, missing = seated(group).learner, seated(group).learner, seated(group).learner
    teacher_of(group)
    task = group.cohort.camp.tasks.get(day=2, kind="check_in")
    for learner, hours in ((early, -2), (late, -1)):
        check_in(task=task, learner=learner, group=group, text="x", at=noon + timedelta(hours=hours))

    wall = check_in_wall(group, 2, at=noon)

    assert (wall.done, wall.missing, wall.total) == ((early, late), (missing,), 3)
    assert wall.due_at == group.cohort.due_at(2)
    assert check_in_wall(group, 2, at=noon - timedelta(minutes=90)).done == (early,)


def test_a_day_with_two_check_ins_is_done_with_both(noon):
    group = class_of()
    learner = seated(group).learner
    second = TaskFactory(camp=group.cohort.camp, day=2)
    first = group.cohort.camp.tasks.exclude(pk=second.pk).get(day=2, kind="check_in")

    check_in(task=first, learner=learner, group=group, text="x", at=noon)
    assert check_in_wall(group, 2, at=noon).done == ()
    check_in(task=second, learner=learner, group=group, text="y", at=noon)
    assert check_in_wall(group, 2, at=noon).done == (learner,)


def test_the_rhythm_of_a_day_is_in_order_and_marks_what_comes_next(noon):
    group = class_of()
    topic = TopicFactory(camp=group.cohort.camp, day=2)
    enrollment = seated(group)
    task = group.cohort.camp.tasks.get(day=2, kind="submission")
    SubmissionFactory(enrollment=enrollment, task=task, handed_in_at=noon)

    beats = rhythm(group, 2, at=noon, total=3)

    assert [(beat.kind, beat.topic) for beat in beats] == [
        (BeatKind.UNLOCK, None),
        (BeatKind.TOPIC, topic),
        (BeatKind.DEADLINE, None),
    ]
    assert [(beat.is_past, beat.is_next) for beat in beats] == [(True, False), (False, True), (False, False)]
    assert (beats[-1].done, beats[-1].total) == (1, 3)


def test_the_teaser_has_the_latest_words_and_todays_count(noon):
    group = class_of()
    learner, teacher = seated(group).learner, teacher_of(group)
    PostFactory(group=group, author=learner, body="早些")
    PostFactory(group=group, author=learner, body="学员说")
    PostFactory(group=group, author=teacher, body="老师说")
    task = group.cohort.camp.tasks.get(day=2, kind="check_in")
    check_in(task=task, learner=learner, group=group, text="打卡", at=noon)

    found = teaser(group, at=noon)

    assert [(said.post.body, said.is_staff) for said in found.said] == [("打卡", False), ("老师说", True)]
    assert (found.day, found.checked_in, found.learners, found.has_check_in) == (2, 1, 1, True)


def test_nobody_is_asked_to_check_in_before_the_day_opens():
    group = class_of()
    seated(group)
    opens_at = group.cohort.opens_at(1)
    early = opens_at - timedelta(seconds=1)

    for at in (opens_at - timedelta(days=9), early):
        found, wall = teaser(group, at=at), check_in_wall(group, 1, at=at)
        assert (found.has_check_in, wall.is_asked, wall.opens_at) == (False, False, opens_at)
        assert rhythm(group, 1, at=at, total=1)[-1].total == 0
    assert teaser(group, at=opens_at).has_check_in
    assert check_in_wall(group, 1, at=opens_at).is_asked
    assert not check_in_wall(group, 2, at=group.cohort.opens_at(2) - timedelta(seconds=1)).is_asked


def test_by_the_personal_clock_the_class_has_no_common_morning():
    group = class_of(CohortFactory(camp=four_day_camp(), clock=UnlockClock.PERSONAL))
    seated(group)

    assert teaser(group, at=group.cohort.opens_at(1) - timedelta(days=9)).has_check_in


@pytest.mark.parametrize("learners", [1, 30])
def test_the_teaser_costs_the_same_for_any_class(noon, learners, django_assert_num_queries):
    group = class_of()
    for _ in range(learners):
        PostFactory(group=group, author=seated(group).learner)

    with django_assert_num_queries(5):
        found = teaser(group, at=noon, last_day=4)
        assert [said.post.author.initial for said in found.said]
