"""What a member sees of what was said."""

from datetime import timedelta

import pytest

from kaiying.groups.actions import check_in, like, publish_post, remove_post, reply
from kaiying.groups.queries import entry_of, feed, post_in, thread, unread
from kaiying.groups.queries.feed import PAGE
from kaiying.groups.vocabulary import FeedKind
from tests.factories.groups import PostFactory, class_of, seated, teacher_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def group():
    return class_of()


@pytest.fixture
def learner(group):
    return seated(group).learner


def look(group, viewer, at, **facts):
    return feed(entry_of(viewer, group), viewer, at=at, **facts)


def bodies(found):
    return [item.post.body for item in found.items]


def test_the_newest_come_first_a_page_at_a_time(group, learner, noon):
    for number in range(PAGE + 3):
        PostFactory(group=group, body=str(number))

    first = look(group, learner, noon)
    second = look(group, learner, noon, before=first.older)

    assert bodies(first) == [str(number) for number in range(PAGE + 2, 2, -1)]
    assert bodies(second) == ["2", "1", "0"]
    assert second.older is None
    assert first.newest == first.items[0].post.pk


def test_what_is_newer_than_a_post_is_asked_for_alone(group, learner, noon):
    seen = PostFactory(group=group)
    fresh = PostFactory(group=group, body="新的")

    found = look(group, learner, noon, after=seen.pk)

    assert bodies(found) == ["新的"]
    assert found.newest == fresh.pk
    assert look(group, learner, noon, after=fresh.pk).newest == fresh.pk


def test_other_classes_answers_removed_posts_and_the_future_are_not_in_it(group, learner, noon):
    post = PostFactory(group=group, author=learner, body="在")
    PostFactory(body="别的班")
    PostFactory(group=group, parent=post, body="回复")
    gone = PostFactory(group=group, author=learner, body="删了")
    remove_post(post=gone, by=learner, at=noon)
    PostFactory(group=group, body="还没发生", posted_at=noon + timedelta(seconds=1))

    assert bodies(look(group, learner, noon)) == ["在"]
    assert post_in(group, gone.pk) is None


def test_the_filters_show_check_ins_or_teachers(group, learner, noon):
    teacher = teacher_of(group)
    publish_post(group=group, author=learner, body="闲聊", key="a", at=noon)
    publish_post(group=group, author=teacher, body="老师说", key="b", at=noon)
    task = group.cohort.camp.tasks.get(day=2, kind="check_in")
    check_in(task=task, learner=learner, group=group, text="打卡", at=noon)

    assert bodies(look(group, learner, noon, kind=FeedKind.CHECK_IN)) == ["打卡"]
    assert bodies(look(group, learner, noon, kind=FeedKind.STAFF)) == ["老师说"]


def test_an_item_knows_the_viewer_and_the_authors_role(group, learner, noon):
    teacher = teacher_of(group)
    mine = publish_post(group=group, author=learner, body="我的", key="a", at=noon)
    hers = publish_post(group=group, author=teacher, body="老师的", key="b", picture="groups/1/x.jpg", at=noon)
    like(post=hers, user=learner, at=noon)

    by_post = {item.post: item for item in look(group, learner, noon).items}
    as_teacher = {item.post: item for item in look(group, teacher, noon).items}

    assert (by_post[mine].may_remove, by_post[hers].may_remove, as_teacher[mine].may_remove) == (True, False, True)
    assert (by_post[hers].liked, as_teacher[hers].liked) == (True, False)
    assert (by_post[mine].role, bool(by_post[hers].role)) == ("", True)
    assert by_post[hers].picture_url.startswith("/media/")
    assert by_post[hers].picture_url != as_teacher[hers].picture_url


def test_the_last_two_answers_stand_below_and_the_thread_has_all(group, learner, noon):
    post = publish_post(group=group, author=learner, body="问", key="q", at=noon)
    for number in range(4):
        reply(post=post, author=learner, body=f"答 {number}", key=f"r{number}", at=noon)
    post.refresh_from_db()

    (item,) = look(group, learner, noon).items
    whole = thread(entry_of(learner, group), learner, post, at=noon)

    assert [answer.post.body for answer in item.replies] == ["答 2", "答 3"]
    assert item.hidden_replies == 2
    assert [answer.post.body for answer in whole.replies] == ["答 0", "答 1", "答 2", "答 3"]


@pytest.mark.parametrize("count", [1, 3, 20])
def test_the_feed_costs_four_queries_whatever_is_in_it(group, learner, noon, count, django_assert_num_queries):
    entry = entry_of(learner, group)
    for number in range(count):
        post = publish_post(
            group=group, author=seated(group).learner, body="x", key=f"k{number}", picture="groups/1/a.jpg", at=noon
        )
        reply(post=post, author=learner, body="y", key=f"r{number}", at=noon)
        like(post=post, user=learner, at=noon)

    with django_assert_num_queries(4):
        found = feed(entry, learner, at=noon)
        seen = [
            (item.post.author.initial, item.picture_url, item.check_in, item.replies[0].post.author)
            for item in found.items
        ]

    assert len(seen) == count


def test_unread_counts_what_others_began_since(group, learner, noon):
    seen = PostFactory(group=group)
    group.memberships.filter(user=learner).update(read_up_to=seen.pk)
    PostFactory(group=group)
    PostFactory(group=group, author=learner)
    PostFactory(group=group, parent=seen)

    assert unread(entry_of(learner, group), at=noon) == 1
