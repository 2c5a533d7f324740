"""The format of a camp's folder: every key, what it holds, and what it is when left out.

``docs/camp-as-code.md`` documents these keys; a test keeps the two equal.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import time
from typing import Any

from kaiying.camps.actions import written as w
from kaiying.camps.actions.kinds import (
    EMAIL,
    Book,
    Choice,
    Clock,
    Id,
    Kind,
    Length,
    Line,
    Moment,
    Price,
    Whole,
    Words,
    YesNo,
    nearest,
)
from kaiying.camps.actions.kinds_of_many import AllOr, ByLanguage, Many, Media
from kaiying.camps.actions.marks import Node, Pairs, Place, Scalar
from kaiying.camps.vocabulary import LessonKind, TaskKind, TeacherRole, UnlockClock

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".svg")
VIDEOS = (".mp4", ".m4v", ".webm")
LONG = 20_000


@dataclass(frozen=True)
class Key:
    """A key: its name in the file, its kind, and the attribute it fills (the same name unless told)."""

    name: str
    kind: Kind[Any]
    required: bool = False
    default: Any = None
    fills: str = ""

    @property
    def attribute(self) -> str:
        """The attribute of the written thing."""
        return self.fills or self.name


@dataclass(frozen=True)
class Shape[T: w.Written](Kind[T]):
    """A mapping with known keys."""

    name: str
    keys: tuple[Key, ...]
    make: Callable[..., T]

    @property
    def label(self) -> str:  # type: ignore[override]
        """Its name."""
        return self.name

    @property
    def blank(self) -> T:
        """An empty one, in place of one that can't be read."""
        return self.make()

    def read(self, node: Node, book: Book) -> T | None:
        """Read each key; note unknown and missing ones."""
        if not isinstance(node, Pairs):
            book.error(
                node, "type", f"expected a {self.name} with keys", f"Keys: {', '.join(k.name for k in self.keys)}."
            )
            return None
        known = {key.name: key for key in self.keys}
        for name, (place, _value) in node.pairs.items():
            if name not in known:
                book.problems.error(place, "unknown-key", f"unknown key “{name}” in {self.name}", nearest(name, known))
        values: dict[str, Any] = {}
        places: dict[str, Place] = {}
        for key in self.keys:
            self._one(key, node, book, values, places)
        return self.make(place=node.place, places=places, **values)

    def _one(self, key: Key, node: Pairs, book: Book, values: dict[str, Any], places: dict[str, Place]) -> None:
        place, value = node.pairs.get(key.name, (node.place, None))
        if value is None or (isinstance(value, Scalar) and (value.is_null or not value.text.strip())):
            if key.required:
                book.problems.error(
                    place, "missing", f"{self.name} has no {key.name}", f"Add “{key.name}”: {key.kind.label}."
                )
            return
        read = key.kind.read(value, book)
        if read is not None:
            values[key.attribute] = read
            places[key.name] = value.place


TASK = Shape(
    "task",
    (
        Key("id", Id(), required=True, fills="ref"),
        Key("kind", Choice((TaskKind.CHECK_IN.value, TaskKind.SUBMISSION.value)), required=True),
        Key("title", Words(200), required=True),
        Key("brief", Words()),
    ),
    w.WrittenTask,
)
DAY = Shape(
    "day",
    (
        Key("title", Words(200), required=True),
        Key("outcome", Words(400)),
        Key("tasks", Many(TASK), default="none"),
    ),
    w.WrittenDay,
)
TEACHER = Shape(
    "teacher",
    (
        Key("id", Id(), required=True, fills="ref"),
        Key("role", Choice(tuple(role.value for role in TeacherRole)), required=True),
        Key("name", Words(80), required=True),
        Key("title", Words(120)),
        Key("bio", Words()),
        Key("portrait", Media(PICTURES)),
        Key("email", Line("an email address", EMAIL)),
    ),
    w.WrittenTeacher,
)
REWARD = Shape(
    "reward",
    (
        Key("kind", Choice(("consultation",)), required=True),
        Key("minutes", Whole(5, 480), default=30),
        Key("title", Words(200), required=True),
        Key("brief", Words()),
        Key("requires", AllOr("all_tasks"), default="all_tasks"),
    ),
    w.WrittenReward,
)
TIER = Shape(
    "tier",
    (
        Key("id", Id(), required=True, fills="ref"),
        Key("name", Words(80), required=True),
        Key("price", Price(), required=True),
        Key("seats", Whole(1, 100_000), default="all that are left"),
        Key("ends_at", Moment(), default="when its seats are gone"),
    ),
    w.WrittenTier,
)
LAST_SEATS = Shape(
    "last_seats",
    (Key("count", Whole(1, 100_000), required=True), Key("wording", Words(200), required=True)),
    w.WrittenLastSeats,
)
OFFER = Shape(
    "offer",
    (
        Key("currency", Choice(("CNY", "USD", "EUR", "GBP", "HKD", "JPY", "KRW", "VND")), default="CNY"),
        Key("list_price", Price(), required=True),
        Key("hold_minutes", Whole(1, 1440), default=15),
        Key("seats", Whole(1, 100_000), required=True),
        Key("last_seats", LAST_SEATS),
        Key("tiers", Many(TIER), required=True),
    ),
    w.WrittenOffer,
)
SERVICE = Shape(
    "service",
    (Key("id", Id(), required=True, fills="ref"), Key("title", Words(200), required=True), Key("text", Words())),
    w.WrittenService,
)
QUESTION = Shape(
    "question",
    (Key("question", Words(400), required=True), Key("answer", Words(), required=True)),
    w.WrittenQuestion,
)
CAMP = Shape(
    "camp",
    (
        Key("id", Id(60), required=True, fills="ref"),
        Key("language", Line(), default="zh-hans"),
        Key("title", Words(200), required=True),
        Key("audience", Words(400)),
        Key("tagline", Words(800)),
        Key("zone", Line(), default="Asia/Shanghai"),
        Key("unlock_at", Clock(), default=time(8)),
        Key("deadline_at", Clock(), default=time(23, 59)),
        Key("clock", Choice(tuple(clock.value for clock in UnlockClock)), default="calendar"),
        Key("class_capacity", Whole(1, 2000), default=100),
        Key("days", Many(DAY), required=True),
        Key("teachers", Many(TEACHER), default="none"),
        Key("reward", REWARD),
        Key("offer", OFFER),
        Key("services", Many(SERVICE), default="none"),
        Key("faq", Many(QUESTION), default="none"),
    ),
    w.WrittenCamp,
)
CHAPTER = Shape(
    "chapter",
    (Key("at", Length(), required=True, fills="second"), Key("title", Words(200), required=True)),
    w.WrittenChapter,
)
SLIDE = Shape(
    "slide",
    (
        Key("title", Words(120), required=True),
        Key("seconds", Whole(3, 600), required=True),
        Key("points", Many(Words(200)), default="none"),
        Key("say", Words(2000)),
    ),
    w.WrittenSlide,
)
LESSON = Shape(
    "lesson",
    (
        Key("id", Id(), required=True, fills="ref"),
        Key("day", Whole(0, 1000), required=True),
        Key("order", Whole(1, 1000), required=True),
        Key("kind", Choice(tuple(kind.value for kind in LessonKind)), default="video"),
        Key("title", Words(200), required=True),
        Key("summary", Words(800)),
        Key("teacher", Id()),
        Key("preview", YesNo(), default=False),
        Key("video", Media(VIDEOS, also=("slides",))),
        Key("captions", ByLanguage(Media((".vtt",)))),
        Key("poster", Media(PICTURES)),
        Key("length", Length(), default="read from the video"),
        Key("essence", Many(Words(400)), default="none"),
        Key("chapters", Many(CHAPTER), default="none"),
        Key("slides", Many(SLIDE), default="none"),
    ),
    w.WrittenLesson,
)
VOICE = Shape("voice", (Key("who", Words(120), required=True), Key("text", Words(800), required=True)), w.WrittenVoice)
ARTICLE = Shape(
    "article",
    (
        Key("id", Id(60), required=True, fills="ref"),
        Key("title", Words(200), required=True),
        Key("description", Words(800)),
        Key("cover", Media(PICTURES)),
        Key("voices", Many(VOICE), default="none"),
    ),
    w.WrittenArticle,
)
TOPIC = Shape(
    "topic",
    (
        Key("id", Id(), required=True, fills="ref"),
        Key("day", Whole(0, 1000), required=True),
        Key("at", Clock(), required=True, fills="clock"),
        Key("teacher", Id()),
        Key("title", Words(200), required=True),
    ),
    w.WrittenTopic,
)
MESSAGE = Shape(
    "message",
    (Key("id", Id(), required=True, fills="ref"), Key("subject", Words(200), required=True)),
    w.WrittenMessage,
)


def _words_of[T: w.Written](shape: Shape[T], inner: dict[str, Shape[Any]] | None = None) -> Shape[T]:
    """Return the shape of a translation: the keys that hold words, none of them required."""
    keys = []
    for key in shape.keys:
        if key.name in (inner or {}):
            keys.append(Key(key.name, Many((inner or {})[key.name]), fills=key.fills))
        elif isinstance(key.kind, Words) or (isinstance(key.kind, Many) and isinstance(key.kind.of, Words)):
            keys.append(Key(key.name, key.kind, fills=key.fills))
    return Shape(f"translated {shape.name}", tuple(keys), shape.make)


LESSON_WORDS = _words_of(LESSON, {"chapters": _words_of(CHAPTER), "slides": _words_of(SLIDE)})
ARTICLE_WORDS = _words_of(ARTICLE, {"voices": _words_of(VOICE)})
TOPIC_WORDS = _words_of(TOPIC)
MESSAGE_WORDS = _words_of(MESSAGE)

FOLDERS: dict[str, tuple[Shape[Any], Shape[Any]]] = {
    "lessons": (LESSON, LESSON_WORDS),
    "articles": (ARTICLE, ARTICLE_WORDS),
    "topics": (TOPIC, TOPIC_WORDS),
    "messages": (MESSAGE, MESSAGE_WORDS),
}
"""Folder → the shape of its files' front matter, and of their translations."""

DOCUMENTED: tuple[Shape[Any], ...] = (
    *(CAMP, DAY, TASK, TEACHER, REWARD, OFFER, LAST_SEATS, TIER, SERVICE, QUESTION),
    *(LESSON, CHAPTER, SLIDE, ARTICLE, VOICE, TOPIC, MESSAGE),
)
