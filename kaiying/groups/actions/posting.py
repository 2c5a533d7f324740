"""What is said in a class."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F

from kaiying.groups.models import ClassGroup, Like, Membership, Post
from kaiying.groups.queries.access import entry_of
from kaiying.groups.vocabulary import Gone, NothingSaid, NotInClass, NotYours, PostKind
from kaiying.outbox.actions import publish
from kaiying.people.models import User


@transaction.atomic
def publish_post(
    *,
    group: ClassGroup,
    author: User,
    body: str,
    key: str,
    at: datetime,
    picture: str = "",
    kind: PostKind = PostKind.POST,
) -> Post:
    """Say something in the class: words, a picture (path below the media root), or both; once per ``key``."""
    post, is_new = write(group=group, author=author, body=body, picture=picture, key=key, kind=kind, parent=None, at=at)
    if is_new:
        publish("groups.posted", channel=f"group:{group.pk}", post=post.pk, author=author.pk, kind=kind.value)
    return post


def leave_note(*, group: ClassGroup, by: User, body: str, key: str, at: datetime, picture: str = "") -> Post:
    """Say something as the class's teacher that also stands on everyone's Today."""
    entry = entry_of(by, group)
    if entry is None or not entry.is_staff:
        raise NotInClass
    return publish_post(group=group, author=by, body=body, picture=picture, key=key, kind=PostKind.NOTE, at=at)


@transaction.atomic
def reply(*, post: Post, author: User, body: str, key: str, at: datetime, picture: str = "") -> Post:
    """Answer a post, once per ``key``; an answer to an answer goes below the first post."""
    top = Post.objects.select_for_update(of=("self",)).select_related("group").get(pk=post.parent_id or post.pk)
    if top.removed_at is not None:
        raise Gone
    answer, is_new = write(
        group=top.group, author=author, body=body, picture=picture, key=key, kind=PostKind.POST, parent=top, at=at
    )
    if is_new:
        Post.objects.filter(pk=top.pk).update(reply_count=F("reply_count") + 1)
        publish(
            "groups.replied",
            channel=f"group:{top.group_id}",
            post=top.pk,
            reply=answer.pk,
            author=author.pk,
            replies=top.reply_count + 1,
        )
    return answer


def write(
    *,
    group: ClassGroup,
    author: User,
    body: str,
    picture: str,
    key: str,
    kind: PostKind,
    parent: Post | None,
    at: datetime,
) -> tuple[Post, bool]:
    """Write one post unless its key was used; returns it, and whether it is new."""
    body = body.strip()
    if not body and not picture:
        raise NothingSaid
    entry = entry_of(author, group)
    if entry is None:
        raise NotInClass
    earlier = Post.objects.filter(group=group, author=author, key=key)
    if key and (post := earlier.first()) is not None:
        return post, False
    try:
        with transaction.atomic():
            facts = {"body": body, "picture": picture, "kind": kind, "parent": parent, "posted_at": at}
            return Post.objects.create(group=group, author=author, key=key, **facts), True
    except IntegrityError:
        if not key:
            raise
        return earlier.get(), False


@transaction.atomic
def like(*, post: Post, user: User, at: datetime) -> int:
    """Find a post useful; liking again changes nothing. Returns its likes."""
    _must_be_in(user, post)
    try:
        with transaction.atomic():
            Like.objects.create(post=post, user=user, at=at)
    except IntegrityError:
        return _likes(post)
    return _tell_likes(post, 1)


@transaction.atomic
def unlike(*, post: Post, user: User) -> int:
    """Take a like back; without one nothing changes. Returns the post's likes."""
    _must_be_in(user, post)
    gone, _by_model = Like.objects.filter(post=post, user=user).delete()
    return _tell_likes(post, -1) if gone else _likes(post)


def _must_be_in(user: User, post: Post) -> None:
    if post.removed_at is not None:
        raise Gone
    if entry_of(user, post.group) is None:
        raise NotInClass


def _likes(post: Post) -> int:
    return Post.objects.values_list("likes", flat=True).get(pk=post.pk)


def _tell_likes(post: Post, change: int) -> int:
    # Counted in the database: whoever else likes at this moment waits for the row, so no like is lost.
    Post.objects.filter(pk=post.pk).update(likes=F("likes") + change)
    likes = _likes(post)
    publish("groups.liked", channel=f"group:{post.group_id}", post=post.pk, likes=likes)
    return likes


@transaction.atomic
def remove_post(*, post: Post, by: User, at: datetime) -> Post:
    """Take a post out of sight: its author may, and the staff of the class. What was counted by it stays counted."""
    post = Post.objects.select_for_update(of=("self",)).select_related("group").get(pk=post.pk)
    entry = entry_of(by, post.group)
    if entry is None:
        raise NotInClass
    if by.pk != post.author_id and not entry.is_staff:
        raise NotYours
    if post.removed_at is None:
        post.removed_at = at
        post.save(update_fields=["removed_at"])
        if post.parent_id is not None:
            Post.objects.filter(pk=post.parent_id).update(reply_count=F("reply_count") - 1)
        publish("groups.removed", channel=f"group:{post.group_id}", post=post.pk, parent=post.parent_id)
    return post


def read_up_to(*, group: ClassGroup, user: User, post_id: int) -> bool:
    """Note the newest post a member has seen; it never moves back. Returns whether it moved."""
    standing = Membership.objects.standing().filter(group=group, user=user, read_up_to__lt=post_id)
    return bool(standing.update(read_up_to=post_id))
