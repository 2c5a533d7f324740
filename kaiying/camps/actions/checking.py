"""What is wrong with a camp although each value alone is right: references, order, times, the price ladder."""

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings

from kaiying.camps.actions import written as w
from kaiying.camps.actions.blanks import check_last_seats, check_messages
from kaiying.camps.actions.kinds import nearest
from kaiying.camps.actions.marks import Place, Problem, Problems
from kaiying.camps.actions.reading import Reading, read_folder
from kaiying.camps.actions.sniffing import fault_of, seconds_of
from kaiying.camps.vocabulary import LessonKind
from kaiying.kit.money import Money
from kaiying.web.texts import Text

FASTEST = {"zh": 7.0, "en": 22.0}
"""Characters a second that captions may bring at most, by language."""


def check_camp(folder: Path) -> Reading:
    """Read a camp's folder and return everything that is wrong with it, sorted by place."""
    reading = read_folder(folder, languages=tuple(code for code, _name in settings.LANGUAGES))
    problems = Problems(list(reading.problems))
    if reading.camp is not None:
        for check in CHECKS:
            check(reading.camp, problems)
        _check_translations(reading, problems)
        for name in reading.unused:
            problems.warn(Place(name), "unused", "nothing names this file", "Remove it, or use it.")
    found = sorted(set(problems.found), key=lambda problem: (not problem.is_error, problem.place, problem.code))
    return Reading(reading.camp, tuple(found), reading.unused, reading.languages)


def errors_of(folder: Path) -> tuple[Problem, ...]:
    """Return the mistakes that would stop a load."""
    return check_camp(folder).errors


def _check_ids(camp: w.WrittenCamp, problems: Problems) -> None:
    tasks = [task for day in camp.days for task in day.tasks]
    tiers = camp.offer.tiers if camp.offer else ()
    groups: tuple[Iterable[Any], ...] = (
        *(tasks, camp.teachers, camp.services, tiers),
        *(camp.lessons, camp.articles, camp.topics, camp.messages),
    )
    for things in groups:
        seen: dict[str, Place] = {}
        for thing in things:
            if thing.ref and thing.ref in seen:
                text = f"the id “{thing.ref}” is taken"
                problems.error(thing.at("id"), "duplicate", text, f"Choose another; it is used at {seen[thing.ref]}.")
            seen.setdefault(thing.ref, thing.at("id"))
    for task in tasks:
        if task.ref.startswith("watch-"):
            problems.error(
                task.at("id"), "id", f"“{task.ref}” begins with watch-", "That is kept for watching lessons."
            )


def _check_times(camp: w.WrittenCamp, problems: Problems) -> None:
    if camp.zone not in available_timezones():
        advice = nearest(camp.zone, sorted(available_timezones()))
        problems.error(camp.at("zone"), "zone", f"unknown time zone “{camp.zone}”", advice)
    if camp.unlock_at >= camp.deadline_at:
        text = f"lessons open at {camp.unlock_at:%H:%M}, after their tasks are due at {camp.deadline_at:%H:%M}"
        problems.error(camp.at("unlock_at"), "unlock", text, "Open earlier, or move deadline_at.")
    if not camp.days and "days" in camp.places:
        problems.error(camp.at("days"), "missing", "the camp has no days", "Add at least one.")
    taught = {lesson.day for lesson in camp.lessons}
    for number, day in enumerate(camp.days, start=1):
        if number not in taught:
            problems.warn(day.place, "empty", f"day {number} has no lesson", "Add one, or drop the day.")


def _check_days(camp: w.WrittenCamp, problems: Problems) -> None:
    orders: dict[tuple[int, int], w.WrittenLesson] = {}
    things: tuple[w.WrittenLesson | w.WrittenTopic, ...] = (*camp.lessons, *camp.topics)
    for thing in things:
        if "day" in thing.places and camp.days and not 1 <= thing.day <= len(camp.days):
            text = f"day {thing.day} never comes: the camp has {len(camp.days)} days"
            problems.error(
                thing.at("day"), "unlock", text, f"Between 1 and {len(camp.days)}, or add a day to camp.yaml."
            )
    for lesson in camp.lessons:
        if "day" in lesson.places and "order" in lesson.places:
            other = orders.setdefault((lesson.day, lesson.order), lesson)
            if other is not lesson:
                text = f"lesson {other.ref} of day {lesson.day} has the same order {lesson.order}"
                problems.error(lesson.at("order"), "duplicate", text, f"See {other.at('order')}.")


def _check_references(camp: w.WrittenCamp, problems: Problems) -> None:
    teachers = [teacher.ref for teacher in camp.teachers]
    things: tuple[w.WrittenLesson | w.WrittenTopic, ...] = (*camp.lessons, *camp.topics)
    for thing in things:
        if thing.teacher and thing.teacher not in teachers:
            text = f"no teacher has the id “{thing.teacher}”"
            problems.error(thing.at("teacher"), "reference", text, nearest(thing.teacher, teachers))
    tasks = [task.ref for day in camp.days for task in day.tasks]
    for ref in camp.reward.requires if camp.reward else ():
        if camp.reward and ref not in tasks:
            problems.error(camp.reward.at("requires"), "reference", f"no task has the id “{ref}”", nearest(ref, tasks))


def _check_media(camp: w.WrittenCamp, problems: Problems) -> None:
    for name, path in camp.media.items():
        if fault := fault_of(path):
            problems.error(Place(name), "media", fault, "Export the file again.")


def _check_lessons(camp: w.WrittenCamp, problems: Problems) -> None:
    for lesson in camp.lessons:
        _check_video(lesson, camp, problems)
        _check_chapters(lesson, length_of(lesson, camp), problems)
        for slide in lesson.slides:
            _check_pace(slide, problems)


def length_of(lesson: w.WrittenLesson, camp: w.WrittenCamp) -> int:
    """Return how many seconds a lesson's video lasts; 0 without one."""
    if lesson.is_slides:
        return sum(slide.seconds for slide in lesson.slides)
    if lesson.video in camp.media and not fault_of(camp.media[lesson.video]):
        return lesson.length or seconds_of(camp.media[lesson.video]) or 0
    return 0


def _check_video(lesson: w.WrittenLesson, camp: w.WrittenCamp, problems: Problems) -> None:
    place = lesson.at("video")
    if lesson.kind in {"", LessonKind.VIDEO} and not lesson.video and "video" not in lesson.places:
        advice = "Add “video: slides” or “video: media/NAME.mp4”, or make it “kind: article”."
        problems.error(lesson.at("kind"), "video", "a video lesson without a video can never be finished", advice)
    if lesson.is_slides and not lesson.slides:
        problems.error(place, "video", "the video is made from slides, but there are none", "Add “slides:”.")
    if lesson.slides and not lesson.is_slides:
        problems.warn(lesson.at("slides"), "video", "these slides are not used", "Write “video: slides”.")
    if lesson.is_slides and lesson.length and lesson.length != length_of(lesson, camp):
        text = f"length says {lesson.length} s, the slides last {length_of(lesson, camp)} s"
        problems.error(lesson.at("length"), "length", text, "Leave length out.")
    if lesson.video.startswith("media/") and lesson.video in camp.media and not length_of(lesson, camp):
        text = "how long the video is can’t be read from the file"
        problems.error(place, "length", text, "Add “length: mm:ss”.")
    if lesson.captions and not lesson.video:
        problems.error(lesson.at("captions"), "video", "captions without a video", "Add “video:”, or remove them.")


def _check_chapters(lesson: w.WrittenLesson, length: int, problems: Problems) -> None:
    before = -1
    for chapter in lesson.chapters:
        if "at" not in chapter.places:
            continue
        if chapter.second <= before:
            text = f"this chapter begins at {chapter.second} s, not after the one before ({before} s)"
            problems.error(chapter.at("at"), "chapters", text, "Put chapters in order of time.")
        elif length and chapter.second >= length:
            text = f"this chapter begins at {chapter.second} s, the video ends at {length} s"
            problems.error(chapter.at("at"), "chapters", text, "Correct the time.")
        before = max(before, chapter.second)
    if lesson.chapters and not lesson.video:
        problems.warn(lesson.at("chapters"), "chapters", "chapters without a video", "Remove them.")


def _check_pace(slide: w.WrittenSlide, problems: Problems) -> None:
    for language, words in slide.say.items():
        fastest = FASTEST.get(language.partition("-")[0], 15.0)
        if slide.seconds and len(words) / slide.seconds > fastest:
            needed = int(len(words) / fastest) + 1
            text = f"{len(words)} characters ({language}) are spoken in {slide.seconds} s: too fast to read"
            problems.warn(slide.at("say"), "pace", text, f"Give the slide {needed} seconds.")


def _check_ladder(camp: w.WrittenCamp, problems: Problems) -> None:
    offer = camp.offer
    if offer is None:
        return
    prices = [_price(offer.list_price, offer, offer.at("list_price"), problems)]
    prices += [_price(tier.price, offer, tier.at("price"), problems) for tier in offer.tiers]
    if not offer.tiers and "tiers" in offer.places:
        problems.error(offer.at("tiers"), "tiers", "the ladder has no tier", "Add one with the list price.")
    for place, (low, price) in enumerate(pairwise(prices[1:]), start=1):
        if price < low:
            text = f"the price falls from {offer.tiers[place - 1].price} to {offer.tiers[place].price}"
            problems.warn(offer.tiers[place].at("price"), "tiers", text, "Whoever buys early would pay more.")
    if any(price > prices[0] for price in prices[1:]):
        problems.warn(offer.at("list_price"), "tiers", "a tier costs more than the list price", "Raise list_price.")
    _check_quotas(offer, problems)
    _check_ends(offer, camp.zone, problems)


def _price(text: str, offer: w.WrittenOffer, place: Place, problems: Problems) -> int:
    try:
        return Money.parse(text, offer.currency).minor
    except ValueError:
        problems.error(place, "price", f"{text} is not an amount of {offer.currency}", "Write fewer decimal places.")
        return 0


def _check_quotas(offer: w.WrittenOffer, problems: Problems) -> None:
    total = 0
    for place, tier in enumerate(offer.tiers):
        last = place == len(offer.tiers) - 1
        if tier.seats is None and tier.ends_at is None and not last:
            text = f"tier {tier.ref} takes all seats that are left, so tier {offer.tiers[place + 1].ref} never opens"
            problems.error(tier.place, "tiers", text, "Give it “seats” or “ends_at”, or put it last.")
        total += tier.seats or 0
    if "seats" not in offer.places:
        return
    if total > offer.seats:
        text = f"the tiers add up to {total} seats, the offer has {offer.seats}"
        problems.error(offer.at("seats"), "tiers", text, "Make them fit.")
    elif total < offer.seats and offer.tiers and all(tier.seats is not None for tier in offer.tiers):
        text = f"{offer.seats - total} seats have no price: the tiers add up to {total} of {offer.seats}"
        problems.error(offer.at("seats"), "tiers", text, "Leave “seats” out of the last tier.")
    if offer.last_seats and offer.last_seats.count > offer.seats:
        problems.warn(offer.last_seats.at("count"), "tiers", "that is more than all seats", "Lower the count.")


def _check_ends(offer: w.WrittenOffer, zone: str, problems: Problems) -> None:
    before: datetime | None = None
    there = ZoneInfo(zone if zone in available_timezones() else "UTC")
    for tier in offer.tiers:
        if tier.ends_at is None:
            continue
        ends = tier.ends_at if tier.ends_at.tzinfo else tier.ends_at.replace(tzinfo=there)
        if before is not None and ends <= before:
            text = "this tier ends before the one above it"
            problems.error(tier.at("ends_at"), "tiers", text, "Put tiers in order of time.")
        before = ends
    if offer.tiers and offer.tiers[-1].ends_at is not None:
        place = offer.tiers[-1].at("ends_at")
        problems.warn(place, "tiers", "after this no tier is open", "Leave “ends_at” out of the last tier.")


def _check_translations(reading: Reading, problems: Problems) -> None:
    """Note what lacks a language that other texts of the camp have."""
    camp = reading.camp
    if camp is None:
        return
    headings: list[tuple[w.Written, Text]] = [
        *((thing, thing.title) for things in (camp.lessons, camp.articles, camp.topics) for thing in things),
        *((message, message.subject) for message in camp.messages),
    ]
    for thing, heading in headings:
        lacking = [language for language in reading.languages if heading and not heading.get(language)]
        if lacking:
            text = f"there is no {', '.join(lacking)} text"
            stem = thing.place.path.removesuffix(".md")
            problems.warn(Place(thing.place.path), "translation", text, f"Write {stem}.{lacking[0]}.md.")


CHECKS: tuple[Callable[[w.WrittenCamp, Problems], None], ...] = (
    *(
        _check_ids,
        _check_times,
        _check_days,
        _check_references,
        _check_media,
        _check_lessons,
        _check_ladder,
        check_messages,
        check_last_seats,
    ),
)
