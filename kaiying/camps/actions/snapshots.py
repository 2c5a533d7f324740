"""A camp as plain values, from its folder and from the database alike, so that the two can be compared and applied.

``Snapshot`` is kind → id → field → value; fields are those of the models, a foreign key is the id of what it names.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from kaiying.camps.actions import written as w
from kaiying.camps.actions.checking import length_of
from kaiying.camps.actions.marks import Problem
from kaiying.camps.models import Camp
from kaiying.camps.vocabulary import TaskKind
from kaiying.web.texts import Text

type Snapshot = dict[str, dict[str, dict[str, Any]]]

KINDS = ("camp", "teachers", "days", "lessons", "tasks", "watching", "topics", "messages")
LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Film:
    """A video made from a lesson's slides: files ready to be taken over, and the key of what they were made from."""

    key: str
    video: Path
    poster: Path
    captions: Mapping[str, Path]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a folder wants the camp to be, and the files that must be in place for it: stored path → file."""

    snapshot: Snapshot
    articles: tuple[w.WrittenArticle, ...]
    media: dict[str, str]
    files: dict[str, Path] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()


@lru_cache(maxsize=512)
def _digest(path: Path, _size: int, _changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stored_path(camp: str, path: Path) -> str:
    """Return where a media file is kept below the media root: named by its content, so it never changes."""
    facts = path.stat()
    plain = "".join(char if char.isascii() and (char.isalnum() or char in "-_.") else "-" for char in path.name)
    stem, _dot, suffix = plain.rpartition(".")
    kept = stem.strip("-.")[:LONGEST_NAME] or "file"
    return f"camps/{camp}/{_digest(path, facts.st_size, facts.st_mtime_ns)[:16]}-{kept}.{suffix.lower()}"


def plan_of(camp: w.WrittenCamp, *, films: Mapping[str, Film], keys: Mapping[str, str], now: Camp | None) -> Plan:
    """Say what ``camp`` wants to be.

    ``keys`` is the key of the film that each slides lesson needs. A film that is not at hand is taken from ``now``
    when that has it already; else the lesson goes without until it is made.
    """
    media = {name: stored_path(camp.ref, path) for name, path in sorted(camp.media.items())}
    files = {media[name]: path for name, path in camp.media.items()}
    had = {lesson.ref: lesson for lesson in now.lessons.all()} if now else {}
    lessons = {}
    for lesson in camp.lessons:
        facts = lesson_facts(lesson, camp, media)
        if lesson.is_slides:
            key, film = keys[lesson.ref], films.get(lesson.ref)
            old = had.get(lesson.ref)
            if film is not None and film.key == key:
                facts |= _film_facts(camp.ref, lesson.ref, film, facts, files)
            elif old is not None and f"/{key[:16]}-" in old.video:
                facts |= {"video": old.video, "poster": facts["poster"] or old.poster}
                facts["captions"] = facts["captions"] or old.captions
        lessons[lesson.ref] = facts
    snapshot = _snapshot(camp, media, lessons)
    return Plan(snapshot, camp.articles, media, files)


def _film_facts(camp: str, ref: str, film: Film, facts: dict[str, Any], files: dict[str, Path]) -> dict[str, Any]:
    stem = f"camps/{camp}/{film.key[:16]}-{ref}"
    files[f"{stem}.mp4"] = film.video
    made: dict[str, Any] = {"video": f"{stem}.mp4"}
    if not facts["poster"]:
        files[f"{stem}.webp"] = film.poster
        made["poster"] = f"{stem}.webp"
    if not facts["captions"]:
        files |= {f"{stem}.{language}.vtt": path for language, path in film.captions.items()}
        made["captions"] = {language: f"{stem}.{language}.vtt" for language in film.captions}
    return made


def _snapshot(camp: w.WrittenCamp, media: dict[str, str], lessons: dict[str, dict[str, Any]]) -> Snapshot:
    tasks = {
        task.ref: {
            "day": day,
            "position": 100 + place,
            "kind": task.kind,
            "title": task.title.as_json(),
            "brief": task.brief.as_json(),
            "lesson": None,
        }
        for day, written in enumerate(camp.days, start=1)
        for place, task in enumerate(written.tasks)
    }
    return {
        "camp": {camp.ref: camp_facts(camp, media)},
        "teachers": {teacher.ref: teacher_facts(teacher, place, media) for place, teacher in enumerate(camp.teachers)},
        "days": {
            str(number): {"title": day.title.as_json(), "outcome": day.outcome.as_json()}
            for number, day in enumerate(camp.days, start=1)
        },
        "lessons": lessons,
        "tasks": tasks,
        "watching": _watching(camp),
        "topics": {
            topic.ref: {
                "day": topic.day,
                "at": topic.clock or time(12),
                "title": topic.title.as_json(),
                "body": topic.body.as_json(),
                "teacher": topic.teacher or None,
            }
            for topic in camp.topics
        },
        "messages": {
            message.ref: {"subject": message.subject.as_json(), "body": message.body.as_json()}
            for message in camp.messages
        },
    }


def _watching(camp: w.WrittenCamp) -> dict[str, dict[str, Any]]:
    """Return the tasks nobody writes down: to watch each video lesson."""
    return {
        f"watch-{lesson.ref}": {
            "day": lesson.day,
            "position": min(lesson.order, 99),
            "kind": TaskKind.WATCH.value,
            "title": lesson.title.as_json(),
            "brief": {},
            "lesson": lesson.ref,
        }
        for lesson in camp.lessons
        if (lesson.kind or "video") == "video"
    }


def camp_facts(camp: w.WrittenCamp, media: dict[str, str]) -> dict[str, Any]:
    """Return the fields of ``Camp`` itself."""
    return {
        "language": camp.language,
        "title": camp.title.as_json(),
        "audience": camp.audience.as_json(),
        "tagline": camp.tagline.as_json(),
        "zone": camp.zone,
        "unlock_at": camp.unlock_at,
        "deadline_at": camp.deadline_at,
        "clock": camp.clock,
        "class_capacity": camp.class_capacity,
        "reward": _reward(camp.reward),
        "services": [
            {"id": one.ref, "title": one.title.as_json(), "text": one.text.as_json()} for one in camp.services
        ],
        "faq": [{"question": one.question.as_json(), "answer": one.answer.as_json()} for one in camp.faq],
        "offer": _offer(camp.offer, camp.zone),
        "media": media,
    }


def _reward(reward: w.WrittenReward | None) -> dict[str, Any]:
    if reward is None:
        return {}
    return {
        "kind": reward.kind,
        "minutes": reward.minutes,
        "title": reward.title.as_json(),
        "brief": reward.brief.as_json(),
        "requires": list(reward.requires) or "all_tasks",
    }


def _offer(offer: w.WrittenOffer | None, zone: str) -> dict[str, Any]:
    if offer is None:
        return {}
    last = offer.last_seats
    return {
        "currency": offer.currency,
        "list_price": offer.list_price,
        "hold_minutes": offer.hold_minutes,
        "seats": offer.seats,
        "last_seats": {"count": last.count, "wording": last.wording.as_json()} if last else {},
        "tiers": [
            {
                "id": tier.ref,
                "name": tier.name.as_json(),
                "price": tier.price,
                "seats": tier.seats,
                "ends_at": _moment(tier.ends_at, zone),
            }
            for tier in offer.tiers
        ],
    }


def _moment(at: datetime | None, zone: str) -> str | None:
    if at is None:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).isoformat()


def teacher_facts(teacher: w.WrittenTeacher, place: int, media: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of ``Teacher``."""
    return {
        "position": place,
        "role": teacher.role,
        "name": teacher.name.as_json(),
        "title": teacher.title.as_json(),
        "bio": teacher.bio.as_json(),
        "portrait": media.get(teacher.portrait, ""),
        "email": teacher.email,
    }


def lesson_facts(lesson: w.WrittenLesson, camp: w.WrittenCamp, media: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of ``Lesson``, without what a film adds."""
    chapters: Iterable[tuple[int, Text]] = ((chapter.second, chapter.title) for chapter in lesson.chapters)
    if not lesson.chapters and lesson.is_slides:
        chapters = slide_chapters(lesson)
    return {
        "day": lesson.day,
        "position": lesson.order,
        "kind": lesson.kind or "video",
        "title": lesson.title.as_json(),
        "summary": lesson.summary.as_json(),
        "body": lesson.body.as_json(),
        "essence": [point.as_json() for point in lesson.essence],
        "chapters": [{"at": second, "title": title.as_json()} for second, title in chapters],
        "slides": [
            {
                "title": slide.title.as_json(),
                "seconds": slide.seconds,
                "points": [point.as_json() for point in slide.points],
                "say": slide.say.as_json(),
            }
            for slide in lesson.slides
        ],
        "footage": lesson.video,
        "video": media.get(lesson.video, ""),
        "captions": {language: media[name] for language, name in lesson.captions.items() if name in media},
        "poster": media.get(lesson.poster, ""),
        "length": length_of(lesson, camp),
        "teacher": lesson.teacher or None,
        "is_preview": lesson.preview,
    }


def slide_chapters(lesson: w.WrittenLesson) -> list[tuple[int, Text]]:
    """Return a chapter for each slide: what a slides lesson has when its author names none."""
    starts = [sum(slide.seconds for slide in lesson.slides[:place]) for place in range(len(lesson.slides))]
    return [(start, slide.title) for start, slide in zip(starts, lesson.slides, strict=True)]


CAMP_FIELDS = (
    *("language", "title", "audience", "tagline", "zone", "unlock_at", "deadline_at", "clock", "class_capacity"),
    *("reward", "services", "faq", "offer", "media"),
)
TEACHER_FIELDS = ("position", "role", "name", "title", "bio", "portrait", "email")
LESSON_FIELDS = (
    *("day", "position", "kind", "title", "summary", "body", "essence", "chapters", "slides", "footage", "video"),
    *("captions", "poster", "length", "teacher", "is_preview"),
)
TASK_FIELDS = ("day", "position", "kind", "title", "brief", "lesson")
TOPIC_FIELDS = ("day", "at", "title", "body", "teacher")


def snapshot_of(camp: Camp) -> Snapshot:
    """Return what a camp is now; what is retired is not part of it."""
    tasks = list(camp.tasks.filter(retired_at=None).select_related("lesson"))
    return {
        "camp": {camp.slug: _facts(camp, CAMP_FIELDS)},
        "teachers": {one.ref: _facts(one, TEACHER_FIELDS) for one in camp.teachers.all()},
        "days": {str(one.number): _facts(one, ("title", "outcome")) for one in camp.days.all()},
        "lessons": {one.ref: _facts(one, LESSON_FIELDS) for one in camp.lessons.current().select_related("teacher")},
        "tasks": {one.ref: _facts(one, TASK_FIELDS) for one in tasks if one.kind != TaskKind.WATCH},
        "watching": {one.ref: _facts(one, TASK_FIELDS) for one in tasks if one.kind == TaskKind.WATCH},
        "topics": {one.ref: _facts(one, TOPIC_FIELDS) for one in camp.topics.select_related("teacher")},
        "messages": {one.ref: _facts(one, ("subject", "body")) for one in camp.messages.all()},
    }


def _facts(thing: Any, names: Iterable[str]) -> dict[str, Any]:
    return {name: plain(getattr(thing, name)) for name in names}


def plain(value: Any) -> Any:
    """Return a field's value as it stands in a snapshot."""
    if isinstance(value, Text):
        return value.as_json()
    if isinstance(value, list):
        return [plain(each) for each in value]
    return getattr(value, "ref", value)
