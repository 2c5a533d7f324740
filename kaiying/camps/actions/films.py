"""What a film of a lesson is made from: its script, the key of everything that shapes it, and its captions."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from kaiying.camps.actions import written as w

EDITION = "2"
"""Changes when films are drawn in another way, so that all are made again."""

CARD = 3.0
"""Seconds the opening card stands, taken from the first slide."""

LONGEST_CUE = {"zh": 20, "en": 62}
BREAKS = re.compile(r"(?<=[。！？；：，、])|(?<=[.!?;:,])\s+")
STRONG = "。！？；.!?;"
SHORT = {"zh": "第 {day} 天", "en": "Day {day}"}


@dataclass(frozen=True, slots=True)
class Shot:
    """A slide in the camp's main language, and when it is shown."""

    title: str
    points: tuple[str, ...]
    start: int
    seconds: int
    chapter: str = ""
    """The title of the chapter that begins here, when the author named chapters."""


@dataclass(frozen=True, slots=True)
class Script:
    """Everything that is drawn in a film."""

    ref: str
    language: str
    title: str
    day: str
    teacher: str
    portrait: Path | None
    shots: tuple[Shot, ...]
    captions: tuple[tuple[str, str], ...]
    """Language and WebVTT text."""
    key: str = ""

    @property
    def seconds(self) -> int:
        """How long it lasts."""
        return sum(shot.seconds for shot in self.shots)


def scripts_of(camp: w.WrittenCamp) -> list[Script]:
    """Return a script for each lesson of the camp whose video is made from slides."""
    return [script_of(lesson, camp) for lesson in camp.lessons if lesson.is_slides]


def film_keys(camp: w.WrittenCamp) -> dict[str, str]:
    """Return the key of the film of each slides lesson."""
    return {script.ref: script.key for script in scripts_of(camp)}


def script_of(lesson: w.WrittenLesson, camp: w.WrittenCamp) -> Script:
    """Return the script of one lesson, with its key."""
    teacher = next((one for one in camp.teachers if one.ref == lesson.teacher), w.WrittenTeacher())
    chapters = {chapter.second: chapter.title.in_language(camp.language) for chapter in lesson.chapters}
    shots, start = [], 0
    for slide in lesson.slides:
        points = tuple(point.in_language(camp.language) for point in slide.points)
        title = slide.title.in_language(camp.language)
        shots.append(Shot(title, tuple(filter(None, points)), start, slide.seconds, chapters.get(start, "")))
        start += slide.seconds
    script = Script(
        ref=lesson.ref,
        language=camp.language,
        title=lesson.title.in_language(camp.language),
        day=SHORT.get(camp.language.partition("-")[0], SHORT["en"]).format(day=lesson.day),
        teacher=teacher.name.in_language(camp.language),
        portrait=camp.media.get(teacher.portrait),
        shots=tuple(shots),
        captions=tuple(captions_of(lesson)),
    )
    return _with_key(script)


def _with_key(script: Script) -> Script:
    facts = asdict(script) | {
        "portrait": script.portrait.read_bytes().hex() if script.portrait else "",
        "edition": EDITION,
    }
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return Script(**{**{name: getattr(script, name) for name in Script.__slots__}, "key": key})


def captions_of(lesson: w.WrittenLesson) -> Iterator[tuple[str, str]]:
    """Yield language and WebVTT text for every language in which all slides are spoken."""
    languages = dict.fromkeys(language for slide in lesson.slides for language in slide.say)
    for language in languages:
        if all(language in slide.say for slide in lesson.slides if slide.say):
            yield language, _vtt(lesson, language)


def _vtt(lesson: w.WrittenLesson, language: str) -> str:
    blocks = [f"WEBVTT\nLanguage: {language}"]
    start = 0.0
    for slide in lesson.slides:
        cues = split_cues(slide.say.get(language, ""), language)
        weights = [len(cue) + 4 for cue in cues]
        at = start + 0.2
        for cue, weight in zip(cues, weights, strict=True):
            until = at + (slide.seconds - 0.4) * weight / sum(weights)
            blocks.append(f"{_stamp(at)} --> {_stamp(until)}\n{_escape(cue)}")
            at = until
        start += slide.seconds
    return "\n\n".join(blocks) + "\n"


def split_cues(text: str, language: str) -> list[str]:
    """Split what is said into pieces that can be read at a glance, at punctuation where possible."""
    longest = LONGEST_CUE.get(language.partition("-")[0], 48)
    glue = "" if language.startswith("zh") else " "
    cues: list[str] = []
    for clause in filter(None, (part.strip() for part in BREAKS.split(" ".join(text.split())))):
        fits = cues and len(cues[-1]) + len(glue) + len(clause) <= longest
        if fits and cues[-1][-1] not in STRONG:
            cues[-1] += glue + clause
        else:
            cues += _chop(clause, longest, glue)
    return cues


def _chop(clause: str, longest: int, glue: str) -> list[str]:
    if len(clause) <= longest:
        return [clause]
    count = -(-len(clause) // longest)
    size = -(-len(clause) // count)
    if not glue:
        return [clause[place : place + size] for place in range(0, len(clause), size)]
    lines = [""]
    for word in clause.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > size + 6:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _stamp(seconds: float) -> str:
    minutes, rest = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
