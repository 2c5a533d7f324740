"""A camp as its author wrote it: what the files of a folder say, before any database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from pathlib import Path

from kaiying.camps.actions.marks import Place
from kaiying.web.texts import Text

NOWHERE = Place("")


@dataclass(slots=True, kw_only=True)
class Written:
    """Something written in a file; ``places`` holds the place of every key that was read without a mistake."""

    place: Place = field(default=NOWHERE, compare=False)
    places: Mapping[str, Place] = field(default_factory=dict, compare=False)

    def at(self, key: str) -> Place:
        """Return where a key stands, or the thing itself."""
        return self.places.get(key, self.place)


@dataclass(slots=True, kw_only=True)
class WrittenTask(Written):
    """A task of a day."""

    ref: str = ""
    kind: str = ""
    title: Text = field(default_factory=Text)
    brief: Text = field(default_factory=Text)


@dataclass(slots=True, kw_only=True)
class WrittenDay(Written):
    """A day of the camp."""

    title: Text = field(default_factory=Text)
    outcome: Text = field(default_factory=Text)
    tasks: tuple[WrittenTask, ...] = ()


@dataclass(slots=True, kw_only=True)
class WrittenTeacher(Written):
    """A teacher as introduced."""

    ref: str = ""
    role: str = ""
    name: Text = field(default_factory=Text)
    title: Text = field(default_factory=Text)
    bio: Text = field(default_factory=Text)
    portrait: str = ""
    email: str = ""


@dataclass(slots=True, kw_only=True)
class WrittenReward(Written):
    """What finishing the tasks earns."""

    kind: str = ""
    minutes: int = 30
    title: Text = field(default_factory=Text)
    brief: Text = field(default_factory=Text)
    requires: tuple[str, ...] = ()
    """Ids of tasks; empty means all of them."""


@dataclass(slots=True, kw_only=True)
class WrittenLastSeats(Written):
    """What the page says when few seats are left."""

    count: int = 0
    wording: Text = field(default_factory=Text)


@dataclass(slots=True, kw_only=True)
class WrittenTier(Written):
    """A step of the price ladder."""

    ref: str = ""
    name: Text = field(default_factory=Text)
    price: str = "0"
    seats: int | None = None
    ends_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class WrittenOffer(Written):
    """How new cohorts are sold."""

    currency: str = "CNY"
    list_price: str = "0"
    hold_minutes: int = 15
    seats: int = 0
    last_seats: WrittenLastSeats | None = None
    tiers: tuple[WrittenTier, ...] = ()


@dataclass(slots=True, kw_only=True)
class WrittenService(Written):
    """Something the camp gives besides lessons."""

    ref: str = ""
    title: Text = field(default_factory=Text)
    text: Text = field(default_factory=Text)


@dataclass(slots=True, kw_only=True)
class WrittenQuestion(Written):
    """A question people ask before they buy."""

    question: Text = field(default_factory=Text)
    answer: Text = field(default_factory=Text)


@dataclass(slots=True, kw_only=True)
class WrittenChapter(Written):
    """A point in a video where something new begins."""

    second: int = 0
    title: Text = field(default_factory=Text)


@dataclass(slots=True, kw_only=True)
class WrittenSlide(Written):
    """A slide of a lesson whose video is made from slides."""

    title: Text = field(default_factory=Text)
    seconds: int = 0
    points: tuple[Text, ...] = ()
    say: Text = field(default_factory=Text)


@dataclass(slots=True, kw_only=True)
class WrittenLesson(Written):
    """A lesson."""

    ref: str = ""
    day: int = 0
    order: int = 0
    kind: str = ""
    title: Text = field(default_factory=Text)
    summary: Text = field(default_factory=Text)
    body: Text = field(default_factory=Text)
    teacher: str = ""
    preview: bool = False
    video: str = ""
    """``slides``, a path below ``media/``, or nothing."""
    captions: Mapping[str, str] = field(default_factory=dict)
    poster: str = ""
    essence: tuple[Text, ...] = ()
    chapters: tuple[WrittenChapter, ...] = ()
    slides: tuple[WrittenSlide, ...] = ()
    length: int = 0

    @property
    def is_slides(self) -> bool:
        """Whether the video is made from the slides."""
        return self.video == "slides"


@dataclass(slots=True, kw_only=True)
class WrittenVoice(Written):
    """What someone said, quoted in an article."""

    who: Text = field(default_factory=Text)
    text: Text = field(default_factory=Text)


@dataclass(slots=True, kw_only=True)
class WrittenArticle(Written):
    """A launch article."""

    ref: str = ""
    title: Text = field(default_factory=Text)
    description: Text = field(default_factory=Text)
    cover: str = ""
    voices: tuple[WrittenVoice, ...] = ()
    body: Text = field(default_factory=Text)


@dataclass(slots=True, kw_only=True)
class WrittenTopic(Written):
    """A daily topic."""

    ref: str = ""
    day: int = 0
    clock: time | None = None
    teacher: str = ""
    title: Text = field(default_factory=Text)
    body: Text = field(default_factory=Text)


@dataclass(slots=True, kw_only=True)
class WrittenMessage(Written):
    """A message with places to fill."""

    ref: str = ""
    subject: Text = field(default_factory=Text)
    body: Text = field(default_factory=Text)


@dataclass(slots=True, kw_only=True)
class WrittenCamp(Written):
    """A whole camp, with the files it needs."""

    ref: str = ""
    language: str = "zh-hans"
    title: Text = field(default_factory=Text)
    audience: Text = field(default_factory=Text)
    tagline: Text = field(default_factory=Text)
    zone: str = "Asia/Shanghai"
    unlock_at: time = time(8)
    deadline_at: time = time(23, 59)
    clock: str = "calendar"
    class_capacity: int = 100
    days: tuple[WrittenDay, ...] = ()
    teachers: tuple[WrittenTeacher, ...] = ()
    reward: WrittenReward | None = None
    offer: WrittenOffer | None = None
    services: tuple[WrittenService, ...] = ()
    faq: tuple[WrittenQuestion, ...] = ()
    lessons: tuple[WrittenLesson, ...] = ()
    articles: tuple[WrittenArticle, ...] = ()
    topics: tuple[WrittenTopic, ...] = ()
    messages: tuple[WrittenMessage, ...] = ()
    media: Mapping[str, Path] = field(default_factory=dict, compare=False)
    """Path as written → the file, for every media file the camp names."""
