"""What is said in a class."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from kaiying.groups.actions import (
    check_in,
    leave_note,
    like,
    nudge,
    publish_post,
    read_up_to,
    remove_post,
    reply,
    unlike,
    unseat_learner,
)
from kaiying.groups.models import Like, Membership, Post
from kaiying.groups.queries import note_of
from kaiying.groups.vocabulary import Gone, MemberKind, NothingSaid, NotInClass, NotYours, PostKind
from kaiying.outbox.models import Event
from tests.factories.groups import PostFactory, class_of, seated, teacher_of
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def group():
    return class_of()


def say(group, author, at, **facts):
    return publish_post(**{"group": group, "author": author, "body": "找到分母了", "key": "k1", "at": at, **facts})


def test_a_post_is_told_to_the_class_by_its_id_and_nothing_of_its_words(group, noon):
    learner = seated(group).learner

    post = say(group, learner, noon, body="  秘密的分母  ")

    event = Event.objects.get()
    assert post.body == "秘密的分母"
    assert (event.name, event.channel) == ("groups.posted", f"group:{group.pk}")
    assert event.facts == {"post": post.pk, "author": learner.pk, "kind": "post"}


def test_the_same_key_posts_once(group, noon):
    learner = seated(group).learner

    first = say(group, learner, noon)
    again = say(group, learner, noon + timedelta(minutes=1), body="又点了一次")

    assert again == first
    assert Post.objects.count() == 1
    assert Event.objects.count() == 1


def test_two_people_may_use_the_same_key(group, noon):
    assert say(group, seated(group).learner, noon) != say(group, seated(group).learner, noon)


@pytest.mark.parametrize(
    ("body", "picture", "fits"), [("", "", False), (" \n ", "", False), ("", "groups/1/a.jpg", True)]
)
def test_a_post_needs_words_or_a_picture(group, noon, body, picture, fits):
    learner = seated(group).learner

    if fits:
        assert say(group, learner, noon, body=body, picture=picture).picture == picture
    else:
        with pytest.raises(NothingSaid):
            say(group, learner, noon, body=body, picture=picture)


def test_only_people_of_the_class_say_something_there(group, noon):
    left = seated(group)
    unseat_learner(enrollment=left, at=noon)

    for stranger in (UserFactory(), seated(class_of()).learner, left.learner):
        with pytest.raises(NotInClass):
            say(group, stranger, noon)
    assert Post.objects.count() == 0


def test_an_answer_counts_and_an_answer_to_an_answer_goes_below_the_first_post(group, noon):
    learner, teacher = seated(group).learner, teacher_of(group)
    post = say(group, learner, noon)

    answer = reply(post=post, author=teacher, body="漂亮", key="a", at=noon)
    second = reply(post=answer, author=learner, body="谢谢", key="b", at=noon)
    reply(post=answer, author=learner, body="谢谢", key="b", at=noon)

    post.refresh_from_db()
    assert (answer.parent, second.parent) == (post, post)
    assert post.reply_count == 2
    assert Event.objects.filter(name="groups.replied").last().facts == {
        "post": post.pk,
        "reply": second.pk,
        "author": learner.pk,
        "replies": 2,
    }


def test_a_removed_post_is_not_answered_or_liked(group, noon):
    learner = seated(group).learner
    post = say(group, learner, noon)
    post = remove_post(post=post, by=learner, at=noon)

    with pytest.raises(Gone):
        reply(post=post, author=learner, body="还在吗", key="a", at=noon)
    with pytest.raises(Gone):
        like(post=post, user=learner, at=noon)


def test_liking_twice_counts_once_and_taking_it_back_twice_too(group, noon):
    learner = seated(group).learner
    post = say(group, learner, noon)

    assert like(post=post, user=learner, at=noon) == 1
    assert like(post=post, user=learner, at=noon) == 1
    assert unlike(post=post, user=learner) == 0
    assert unlike(post=post, user=learner) == 0
    assert list(Event.objects.filter(name="groups.liked").values_list("facts", flat=True)) == [
        {"post": post.pk, "likes": 1},
        {"post": post.pk, "likes": 0},
    ]


def test_strangers_do_not_like(group, noon):
    with pytest.raises(NotInClass):
        like(post=PostFactory(group=group), user=UserFactory(), at=noon)


def test_author_and_teachers_remove_a_post_others_do_not(group, noon):
    author, other = seated(group).learner, seated(group).learner
    mentor = teacher_of(group, MemberKind.MENTOR)
    mine, theirs = say(group, author, noon), say(group, author, noon, key="k2")

    with pytest.raises(NotYours):
        remove_post(post=mine, by=other, at=noon)
    with pytest.raises(NotInClass):
        remove_post(post=mine, by=UserFactory(), at=noon)
    remove_post(post=mine, by=author, at=noon)
    remove_post(post=theirs, by=mentor, at=noon)
    remove_post(post=theirs, by=mentor, at=noon)

    assert Post.objects.standing().count() == 0
    assert Event.objects.filter(name="groups.removed").count() == 2


def test_removing_an_answer_takes_it_off_the_count(group, noon):
    learner = seated(group).learner
    post = say(group, learner, noon)
    answer = reply(post=post, author=learner, body="补充", key="a", at=noon)

    remove_post(post=answer, by=learner, at=noon)

    post.refresh_from_db()
    assert post.reply_count == 0


def test_only_teachers_leave_a_note_and_the_latest_stands(group, noon):
    head = teacher_of(group)
    with pytest.raises(NotInClass):
        leave_note(group=group, by=seated(group).learner, body="我来说", key="n0", at=noon)

    leave_note(group=group, by=head, body="第一条", key="n1", at=noon)
    latest = leave_note(group=group, by=head, body="第二条", key="n2", at=noon + timedelta(hours=1))

    assert latest.kind == PostKind.NOTE
    assert note_of(group, at=noon + timedelta(hours=2)) == latest
    assert note_of(group, at=noon).body == "第一条"
    remove_post(post=latest, by=head, at=noon + timedelta(hours=2))
    assert note_of(group, at=noon + timedelta(hours=2)).body == "第一条"


def test_the_mark_of_what_was_read_never_moves_back(group):
    learner = seated(group).learner

    assert read_up_to(group=group, user=learner, post_id=7) is True
    assert read_up_to(group=group, user=learner, post_id=5) is False

    assert Membership.objects.get(user=learner).read_up_to == 7


FANS = 40


def all_at_once(users, act):
    def one(user):
        try:
            act(user)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, users))


@pytest.mark.django_db(transaction=True)
@pytest.mark.figures
def test_forty_likes_at_once_are_forty(noon):
    group = class_of()
    post = PostFactory(group=group)
    fans = [seated(group).learner for _ in range(FANS)]

    # Everyone clicks twice, as people do.
    all_at_once([*fans, *fans], lambda user: like(post=post, user=user, at=noon))

    post.refresh_from_db()
    print(f"\n{FANS} people like at once, each twice: counter {post.likes}, rows {Like.objects.count()}")
    assert post.likes == Like.objects.count() == FANS


@pytest.mark.django_db(transaction=True)
def test_the_twin_that_counts_in_python_loses_likes(noon):
    group = class_of()
    post = PostFactory(group=group)
    fans = [seated(group).learner for _ in range(2)]

    def carelessly(user):
        seen = Post.objects.get(pk=post.pk)
        Like.objects.create(post=seen, user=user, at=noon)
        both_have_looked.wait(timeout=5)
        seen.likes += 1
        seen.save(update_fields=["likes"])

    from threading import Barrier

    both_have_looked = Barrier(2)
    all_at_once(fans, carelessly)

    post.refresh_from_db()
    assert Like.objects.count() == 2
    assert post.likes == 1


@pytest.mark.django_db(transaction=True)
def test_one_key_sent_by_many_threads_posts_once(noon):
    group = class_of()
    learner = seated(group).learner

    all_at_once([learner] * 16, lambda user: say(group, user, noon))

    assert Post.objects.count() == 1
    assert Event.objects.filter(name="groups.posted").count() == 1


def test_what_is_told_to_open_pages_is_ids_and_counts_and_never_words(group, noon):
    learner, head = seated(group).learner, teacher_of(group)
    post = say(group, learner, noon, body="谁都不该听到的话")
    reply(post=post, author=head, body="谁都不该听到的话", key="a", at=noon)
    like(post=post, user=head, at=noon)
    leave_note(group=group, by=head, body="谁都不该听到的话", key="n", at=noon)
    task = group.cohort.camp.tasks.get(day=2, kind="check_in")
    check_in(task=task, learner=learner, group=group, text="谁都不该听到的话", at=noon)
    nudge(group=group, learners=[learner], by=head, text="谁都不该听到的话", reason="", key="x", at=noon)
    remove_post(post=post, by=head, at=noon)

    told = Event.objects.filter(name__startswith="groups.")
    words = {value for event in told for value in event.facts.values() if not isinstance(value, int | None)}

    assert {event.name for event in told} == {
        "groups.posted",
        "groups.replied",
        "groups.liked",
        "groups.checked_in",
        "groups.nudged",
        "groups.removed",
    }
    assert words == {"post", "note", "check_in"}
