"""How the sale desk writes lengths, moments and rates."""

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kaiying.kit import periods
from kaiying.web.templatetags.web import span

MINUTE, HOUR = 60, 3600
SMALL = 10


def duration(seconds: float) -> str:
    """Write a length to the second while it is under an hour: 38 秒, 4 分 12 秒, 2 小时 5 分."""
    whole = max(0, int(seconds))
    if whole >= HOUR:
        return span(whole)
    minutes, rest = divmod(whole, MINUTE)
    if not minutes:
        return ngettext("%(count)s second", "%(count)s seconds", rest) % {"count": rest}
    return _("%(minutes)s min %(seconds)s s") % {"minutes": minutes, "seconds": rest}


def clock(at: datetime, zone: str, *, now: datetime) -> str:
    """Write when something was, to the second if it was today: 20:04:10, else 07-15 20:04."""
    local = periods.local(at, zone)
    return f"{local:%H:%M:%S}" if local.date() == periods.day_in(now, zone) else f"{local:%m-%d %H:%M}"


def figure(rate: float) -> str:
    """Write a rate with one decimal while it is small: 0.4, 6, 318, 12,500."""
    return f"{rate:,.1f}".removesuffix(".0") if rate < SMALL else f"{rate:,.0f}"
