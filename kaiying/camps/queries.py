"""Reads of this room that pages need."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import QuerySet
from django.utils.safestring import SafeString

from kaiying.camps.models import Camp, Cohort, Day, Lesson, Message, Staffing, Task, Teacher, Topic
from kaiying.people.models import Organizer
from kaiying.web import richtext
from kaiying.wire.media import is_plain, media_url

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif")
"""What a text may show; never a video, which has a lesson's own time to open."""

PLACE = re.compile(r"\{(\w+)\}")


def camps_of(organizer: Organizer) -> QuerySet[Camp]:
    """Return an organizer's camps, the one loaded last first."""
    return Camp.objects.filter(organizer=organizer).order_by("-loaded_at", "slug")


def lessons_of(cohort: Cohort) -> Sequence[Lesson]:
    """Return the cohort's lessons with their teachers, as the course lists them; one query."""
    return list(Lesson.objects.current().filter(camp=cohort.camp_id).select_related("teacher").in_order())


def days_of(cohort: Cohort) -> Sequence[Day]:
    """Return the cohort's days; one query."""
    return list(Day.objects.filter(camp=cohort.camp_id))


def tasks_of(cohort: Cohort) -> Sequence[Task]:
    """Return the cohort's tasks, watching included, in order; one query."""
    return list(
        Task.objects.filter(camp=cohort.camp_id, retired_at=None).select_related("lesson").order_by("day", "position")
    )


def topics_of(cohort: Cohort) -> Sequence[Topic]:
    """Return the cohort's topics with who gives them; one query."""
    return list(Topic.objects.filter(camp=cohort.camp_id).select_related("teacher"))


def teachers_of(camp: Camp) -> Sequence[Teacher]:
    """Return the camp's teachers as it introduces them; one query."""
    return list(camp.teachers.all())


def message_of(camp: Camp, ref: str) -> Message | None:
    """Return one of the camp's messages, if its author wrote it; one query."""
    return camp.messages.filter(ref=ref).first()


def fill(text: str, places: Mapping[str, str]) -> str:
    """Put facts in places such as ``{name}``; anything else in braces stays as typed, also inside of what is put in."""
    return PLACE.sub(lambda found: places.get(found[1], found[0]), text)


def filled(camp: Camp, ref: str, places: Mapping[str, str]) -> tuple[str, str] | None:
    """Return subject and text of a message in the active language, or None if the author wrote none; one query."""
    message = message_of(camp, ref)
    return None if message is None else (fill(str(message.subject), places), fill(str(message.body), places))


def staff_of(cohort: Cohort) -> Sequence[Staffing]:
    """Return the cohort's staff with their people and roles; one query."""
    return list(cohort.staffings.select_related("teacher", "user").order_by("teacher__position", "pk"))


def stored_media(camp: Camp, name: str) -> str:
    """Return where a file the camp's texts name (``media/x.png``) is kept below the media root; empty if nowhere."""
    return str(camp.media.get(name, ""))


def rendered(text: object, *, camp: Camp, viewer_id: int, until: datetime | None = None) -> SafeString:
    """Turn a text of the camp into safe HTML; its pictures get addresses that open for ``viewer_id`` (0 is anyone)."""

    def address(name: str) -> str:
        path = stored_media(camp, name) if name.lower().endswith(PICTURES) else ""
        return media_url(path, user_id=viewer_id, until=until) if is_plain(path) else ""

    return richtext.render(str(text), by_organizer=True, pictures=address)
