"""What is said in a class, a page at a time, with the same number of queries whatever is in it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from kaiying.groups.models import CheckIn, ClassGroup, Like, Membership, Post
from kaiying.groups.queries.access import Entry
from kaiying.groups.queries.roster import staff_of
from kaiying.groups.vocabulary import FeedKind, MemberKind, PostKind
from kaiying.people.models import User
from kaiying.wire.media import media_url

PAGE = 20
MOST_NEW = 50
SHOWN_REPLIES = 2


@dataclass(frozen=True, slots=True)
class Item:
    """A post as one person sees it."""

    post: Post
    role: str  # what a teacher is here; empty for a learner
    liked: bool
    may_remove: bool
    picture_url: str
    check_in: CheckIn | None = None
    replies: tuple["Item", ...] = ()

    @property
    def hidden_replies(self) -> int:
        """How many answers are not shown here."""
        return max(0, self.post.reply_count - len(self.replies))


@dataclass(frozen=True, slots=True)
class Feed:
    """A page of posts, newest first; ``older`` is where the next page begins, ``newest`` what was seen last."""

    items: tuple[Item, ...]
    older: int | None
    newest: int


def feed(
    entry: Entry,
    viewer: User,
    *,
    at: datetime,
    before: int | None = None,
    after: int | None = None,
    kind: FeedKind = FeedKind.ALL,
    day: int | None = None,
    eyes: int | None = None,
) -> Feed:
    """Return posts older than ``before``, or newer than ``after``, or the newest; four queries.

    ``day`` keeps to one day's check-ins. ``eyes`` is who really looks, when that is not ``viewer``: pictures open
    for them alone.
    """
    staff = staff_of(entry.group)
    found = Post.objects.standing().opening().filter(group=entry.group, posted_at__lte=at)
    if kind == FeedKind.CHECK_IN:
        found = found.filter(kind=PostKind.CHECK_IN)
    elif kind == FeedKind.STAFF:
        found = found.filter(author__in=[membership.user_id for membership in staff])
    if day is not None:
        found = found.filter(check_in__day=day)
    if before is not None:
        found = found.filter(pk__lt=before)
    if after is not None:
        found = found.filter(pk__gt=after)
    size = PAGE if after is None else MOST_NEW
    posts = list(found.select_related("author", "check_in__task").order_by("-pk")[: size + 1])
    page = posts[:size]
    more = page[-1].pk if len(posts) > size and after is None else None
    newest = max((post.pk for post in page), default=after or 0)
    return Feed(items(entry, viewer, page, staff=staff, at=at, eyes=eyes), more, newest)


def thread(entry: Entry, viewer: User, post: Post, *, at: datetime, eyes: int | None = None) -> Item:
    """Return one post with all its answers; three queries."""
    return items(entry, viewer, [post], staff=staff_of(entry.group), at=at, replies=None, eyes=eyes)[0]


def items(
    entry: Entry,
    viewer: User,
    posts: Sequence[Post],
    *,
    staff: Iterable[Membership],
    at: datetime,
    replies: int | None = SHOWN_REPLIES,
    eyes: int | None = None,
) -> tuple[Item, ...]:
    """Dress posts with their author's role, the viewer's likes and the last ``replies`` answers (None: all)."""
    roles = {membership.user_id: str(MemberKind(membership.kind).label) for membership in staff}
    answers = _replies(posts, at, replies)
    liked = set(Like.objects.filter(user=viewer, post__in=posts).values_list("post", flat=True)) if posts else set()

    def item(post: Post, below: tuple[Item, ...] = ()) -> Item:
        return Item(
            post=post,
            role=roles.get(post.author_id, ""),
            liked=post.pk in liked,
            may_remove=entry.is_staff or post.author_id == viewer.pk,
            picture_url=media_url(post.picture, user_id=eyes or viewer.pk) if post.picture else "",
            check_in=getattr(post, "check_in", None) if post.kind == PostKind.CHECK_IN else None,
            replies=below,
        )

    return tuple(item(post, tuple(item(answer) for answer in answers.get(post.pk, ()))) for post in posts)


def _replies(posts: Sequence[Post], at: datetime, count: int | None) -> dict[int, list[Post]]:
    """Return the last ``count`` answers of each post, oldest first; one query."""
    if not posts:
        return {}
    found = Post.objects.standing().filter(parent__in=posts, posted_at__lte=at).select_related("author")
    if count is not None:
        place = Window(RowNumber(), partition_by=F("parent"), order_by=F("pk").desc())
        found = found.annotate(place=place).filter(place__lte=count)
    below: dict[int, list[Post]] = {}
    for answer in found.order_by("pk"):
        below.setdefault(answer.parent_id or 0, []).append(answer)
    return below


def post_in(group: ClassGroup, pk: int) -> Post | None:
    """Return a post that stands in this class, or None."""
    return (
        Post.objects.standing()
        .filter(group=group)
        .select_related("author", "group", "check_in__task")
        .filter(pk=pk)
        .first()
    )


def unread(entry: Entry, *, at: datetime) -> int:
    """Count what others said since this person last looked; one query."""
    fresh = Post.objects.standing().opening().filter(group=entry.group, pk__gt=entry.read_up_to, posted_at__lte=at)
    if entry.membership is not None:
        fresh = fresh.exclude(author=entry.membership.user_id)
    return fresh.count()


def note_of(group: ClassGroup, *, at: datetime) -> Post | None:
    """Return the head teacher's latest note for everyone's Today, or None; one query."""
    notes = Post.objects.standing().filter(group=group, kind=PostKind.NOTE, posted_at__lte=at)
    return notes.select_related("author").order_by("-pk").first()
