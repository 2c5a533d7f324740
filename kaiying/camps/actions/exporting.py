"""Write a loaded camp back into a folder that checks clean and loads to the same camp."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import time
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings

from kaiying.camps.actions.storing import put
from kaiying.camps.actions.written import WrittenArticle
from kaiying.camps.models import Camp, Lesson
from kaiying.camps.vocabulary import FolderInTheWay, TaskKind
from kaiying.web.texts import MAIN_KEY, Text

WIDTH = 110


class _Dumper(yaml.SafeDumper):
    """Writes YAML as people do: lists indented, long texts folded, nothing shared by alias."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 — the library asks
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:  # noqa: ARG002, FBT001, FBT002
        return super().increase_indent(flow, indentless=False)


class Quoted(str):
    """A price: always in quotes."""

    __slots__ = ()


_Dumper.add_representer(
    Quoted, lambda dumper, data: dumper.represent_scalar("tag:yaml.org,2002:str", str(data), style='"')
)


def export_camp(*, camp: Camp, folder: Path, articles: Sequence[WrittenArticle] = ()) -> list[str]:
    """Write ``camp`` into ``folder``, which must be empty or new, and return the names of the files written."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderInTheWay(folder=folder)
    folder.mkdir(parents=True, exist_ok=True)
    files = dict(_texts(camp, articles))
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    for name, stored in camp.media.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        put(Path(settings.MEDIA_ROOT) / stored, path)
    return [*files, *camp.media]


def _texts(camp: Camp, articles: Sequence[WrittenArticle]) -> Iterable[tuple[str, str]]:
    sheet = _Sheet(camp)
    yield "camp.yaml", _dump(sheet.camp())
    for lesson in camp.lessons.current().in_order().select_related("teacher"):
        yield from sheet.files(f"lessons/d{lesson.day}-{lesson.ref}", sheet.lesson(lesson), lesson.body)
    for article in articles:
        yield from sheet.files(f"articles/{article.ref}", sheet.article(article), article.body)
    for topic in camp.topics.select_related("teacher"):
        head = {"id": topic.ref, "day": topic.day, "at": _clock(topic.at), "teacher": getattr(topic.teacher, "ref", "")}
        yield from sheet.files(f"topics/{topic.ref}", {**head, "title": topic.title}, topic.body)
    for message in camp.messages.order_by("ref"):
        yield from sheet.files(f"messages/{message.ref}", {"id": message.ref, "subject": message.subject}, message.body)


class _Sheet:
    """Turns what is stored into what is written, in the camp's main language and its others."""

    def __init__(self, camp: Camp) -> None:
        self.stored = camp
        self.main = camp.language
        self.names = {stored: name for name, stored in camp.media.items()}

    def files(self, stem: str, head: Mapping[str, Any], body: Text) -> Iterable[tuple[str, str]]:
        """Yield the main file and one for each other language that has words."""
        yield f"{stem}.md", _page(_in(self.main, head) or {}, body.get(self.main, ""))
        languages = sorted(_languages(head) | set(body)) if body else sorted(_languages(head))
        for language in languages:
            if language != self.main:
                yield f"{stem}.{language}.md", _page(_in(language, _only_words(head)) or {}, body.get(language, ""))

    def camp(self) -> dict[str, Any]:
        """Return ``camp.yaml``."""
        camp = self.stored
        facts = {
            "id": camp.slug,
            "language": camp.language,
            "title": camp.title,
            "audience": camp.audience,
            "tagline": camp.tagline,
            "zone": camp.zone,
            "unlock_at": _clock(camp.unlock_at),
            "deadline_at": _clock(camp.deadline_at),
            "clock": camp.clock,
            "class_capacity": camp.class_capacity,
            "days": [self._day(day) for day in camp.days.all()],
            "teachers": [self._teacher(teacher) for teacher in camp.teachers.all()],
            "reward": camp.reward,
            "offer": self._offer(camp.offer),
            "services": camp.services,
            "faq": camp.faq,
        }
        return {key: value for key, value in _by_language(facts).items() if value not in ({}, [], "")} | {
            "days": _by_language(facts["days"])
        }

    def _day(self, day: Any) -> dict[str, Any]:
        tasks = self.stored.tasks.filter(day=day.number, retired_at=None).exclude(kind=TaskKind.WATCH)
        written = [{"id": task.ref, "kind": task.kind, "title": task.title, "brief": task.brief} for task in tasks]
        return _filled({"title": day.title, "outcome": day.outcome, "tasks": [_filled(task) for task in written]})

    def _teacher(self, teacher: Any) -> dict[str, Any]:
        facts = {
            "id": teacher.ref,
            "role": teacher.role,
            "name": teacher.name,
            "title": teacher.title,
            "bio": teacher.bio,
        }
        return _filled({**facts, "portrait": self.names.get(teacher.portrait, ""), "email": teacher.email})

    @staticmethod
    def _offer(offer: Mapping[str, Any]) -> dict[str, Any]:
        if not offer:
            return {}
        tiers = [_filled({**tier, "price": Quoted(tier["price"])}) for tier in offer["tiers"]]
        return _filled({**offer, "list_price": Quoted(offer["list_price"]), "tiers": tiers})

    def lesson(self, lesson: Lesson) -> dict[str, Any]:
        """Return the front matter of a lesson."""
        starts = [sum(slide["seconds"] for slide in lesson.slides[:place]) for place in range(len(lesson.slides))]
        follow = [{"at": at, "title": slide["title"]} for at, slide in zip(starts, lesson.slides, strict=True)]
        own = [] if lesson.footage == "slides" and lesson.chapters == follow else lesson.chapters
        captions = {language: self.names[path] for language, path in lesson.captions.items() if path in self.names}
        return {
            "id": lesson.ref,
            "day": lesson.day,
            "order": lesson.position,
            "kind": lesson.kind,
            "title": lesson.title,
            "summary": lesson.summary,
            "teacher": getattr(lesson.teacher, "ref", ""),
            "preview": lesson.is_preview or "",
            "video": lesson.footage,
            "captions": captions,
            "poster": self.names.get(lesson.poster, ""),
            "length": lesson.length if lesson.footage.startswith("media/") and lesson.length else "",
            "essence": list(lesson.essence),
            "chapters": [{"at": chapter["at"], "title": Text.of(chapter["title"])} for chapter in own],
            "slides": [
                {
                    "title": Text.of(slide["title"]),
                    "seconds": slide["seconds"],
                    "points": [Text.of(point) for point in slide["points"]],
                    "say": Text.of(slide["say"]),
                }
                for slide in lesson.slides
            ],
        }

    @staticmethod
    def article(article: WrittenArticle) -> dict[str, Any]:
        """Return the front matter of an article."""
        return {
            "id": article.ref,
            "title": article.title,
            "description": article.description,
            "cover": article.cover,
            "voices": [{"who": voice.who, "text": voice.text} for voice in article.voices],
        }


def _in(language: str, value: Any) -> Any:
    """Return a value with every text in one language, and without what is empty."""
    if isinstance(value, Text):
        return value.get(language, "")
    if isinstance(value, Mapping):
        return {key: said for key, part in value.items() if (said := _in(language, part)) not in ("", [], {}, None)}
    if isinstance(value, list):
        said = [_in(language, part) for part in value]
        return said if any(part not in ("", {}) for part in said) else []
    return value


def _only_words(value: Any) -> Any:
    """Return the part of a front matter that a translation has."""
    if isinstance(value, Mapping) and not isinstance(value, Text):
        return {key: _only_words(part) for key, part in value.items() if isinstance(part, (Text, list))}
    if isinstance(value, list):
        return [_only_words(part) for part in value]
    return value


def _languages(value: Any) -> set[str]:
    if isinstance(value, Text):
        return set(value)
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return set().union(*(_languages(part) for part in parts))


def _by_language(value: Any) -> Any:
    """Return a value with every text as a mapping of language to words."""
    if isinstance(value, Text):
        return dict(value)
    if isinstance(value, Mapping):
        return {key: _by_language(part) for key, part in value.items() if key != MAIN_KEY}
    return [_by_language(part) for part in value] if isinstance(value, list) else value


def _filled(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if value not in ("", {}, [], None, Text())}


def _clock(at: time) -> str:
    return f"{at:%H:%M}"


def _dump(value: Any) -> str:
    return str(yaml.dump(value, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=WIDTH))


def _page(head: Mapping[str, Any], body: str) -> str:
    return (
        f"---\n{_dump(dict(head)) if head else ''}---\n{body}\n"
        if body
        else f"---\n{_dump(dict(head)) if head else ''}---\n"
    )
