"""What the templates of a class need."""

from datetime import datetime, timedelta

from django import template
from django.utils.translation import ngettext

from kaiying.groups.views.entering import new_key
from kaiying.web.templatetags.web import since_filter

register = template.Library()
A_DAY, THREE_DAYS = timedelta(days=1), timedelta(days=3)


@register.simple_tag(name="new_key")
def new_key_tag() -> str:
    """Give a fresh key for a form, so that sending it twice is harmless."""
    return new_key()


@register.filter
def hours_since(at: datetime | None, now: datetime) -> str:
    """Say how long ago, in hours up to three days: in a camp of four days “yesterday” says too little."""
    if at is None or not A_DAY <= now - at < THREE_DAYS:
        return since_filter(at, now)
    hours = (now - at) // timedelta(hours=1)
    return ngettext("%(count)d hour ago", "%(count)d hours ago", hours) % {"count": hours}
