"""What launch pages need of templates."""

import re

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils.safestring import SafeString

from kaiying.camps.models import Camp, Cohort, Lesson
from kaiying.camps.queries import rendered
from kaiying.web.texts import Text
from kaiying.wire.entry import ANYONE
from kaiying.wire.media import is_plain, media_url

register = template.Library()

SECTION = re.compile(r"^(?:##?\s|<h[1-6][\s>])", re.MULTILINE)
"""Where the first section of an article begins, in Markdown or HTML."""


def _cut(body: Text) -> tuple[str, str]:
    words = str(body)
    found = SECTION.search(words)
    place = found.start() if found and words[: found.start()].strip() else len(words)
    return words[:place], words[place:]


@register.filter
def opening(body: Text, camp: Camp) -> SafeString:
    """Show what stands before the first heading of an article, sanitised, with pictures that anyone may see."""
    return rendered(_cut(body)[0], camp=camp, viewer_id=ANYONE)


@register.filter
def sections(body: Text, camp: Camp) -> SafeString:
    """Show the rest of an article in the same way; empty when it has no headings."""
    rest = _cut(body)[1]
    return rendered(rest, camp=camp, viewer_id=ANYONE) if rest.strip() else SafeString("")


@register.filter
def words(value: object) -> str:
    """Give a text kept as plain JSON (language → words) in the active language."""
    return str(Text.of(value)) if isinstance(value, (dict, str, Text)) else ""


@register.filter
def public_media(path: str) -> str:
    """Return an address of a picture that anyone may see; empty when there is none."""
    return media_url(path, user_id=0) if path and is_plain(path) else ""


@register.simple_tag
def preview_url(cohort: Cohort, lesson: Lesson) -> str:
    """Return where a visitor may watch a lesson; empty while no room shows previews."""
    try:
        return reverse("learning:preview", args=[cohort.slug, lesson.ref])
    except NoReverseMatch:
        return ""


@register.filter
def minutes(seconds: int) -> int:
    """Round seconds to minutes, at least one."""
    return max(1, round(seconds / 60))
