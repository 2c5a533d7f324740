"""Words and marks that templates of every room need: money, times, people, icons, pictures of text."""

from datetime import UTC, datetime, timedelta
from math import ceil, floor
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import segno
from babel.dates import format_datetime, get_timezone_name
from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext, ngettext

from kaiying.kit.money import Money
from kaiying.web import richtext
from kaiying.wire import clock

register = template.Library()

HOUR, DAY = 3600, 86_400
WEEK = 7
PATTERNS = {
    "time": ("HH:mm", "HH:mm"),
    "day": ("M 月 d 日 EEE", "EEE d MMMM"),
    "date": ("M 月 d 日", "d MMMM"),
    "short": ("M 月 d 日", "d MMM"),
    "weekday": ("EEE", "EEE"),
    "stamp": ("M 月 d 日 EEE HH:mm", "EEE d MMMM, HH:mm"),
    "full": ("yyyy 年 M 月 d 日 HH:mm", "d MMMM yyyy, HH:mm"),
    "iso": ("yyyy-MM-dd'T'HH:mm:ssZZZZZ", "yyyy-MM-dd'T'HH:mm:ssZZZZZ"),
}
"""Form → how Chinese and every other language write it; weekday and month names come from Babel."""


class Person(Protocol):
    """Whoever has an initial and a colour."""

    @property
    def initial(self) -> str:
        """The first letter of the name."""

    @property
    def color(self) -> int:
        """1 to 6."""


def _money(amount: Money | int, currency: str) -> Money:
    return amount if isinstance(amount, Money) else Money(int(amount), currency or "CNY")


@register.simple_tag(name="money")
def money_tag(amount: Money | int, currency: str = "", *, short: bool = False) -> str:
    """Write an amount: ``{% money 280 "CNY" %}`` → ¥2.80, ``short=True`` → ¥2.8."""
    return _money(amount, currency).text(short=short)


@register.filter(name="money")
def money_filter(amount: Money | int, how: str = "") -> str:
    """Write an amount: ``{{ order.total|money }}``, ``{{ 280|money:"CNY short" }}``."""
    words = [word for word in how.split() if word != "short"]
    return _money(amount, words[0] if words else "").text(short="short" in how.split())


@register.simple_tag
def price(amount: Money | int, currency: str = "", extra: str = "") -> SafeString:
    """Write an amount large, with a smaller sign in front; ``extra`` is more classes."""
    whole = _money(amount, currency).text(short=True)
    cut = next((place for place, char in enumerate(whole) if char.isdigit()), 0)
    return format_html(
        '<span class="price{}"><small>{}</small>{}</span>', f" {extra}" if extra else "", whole[:cut], whole[cut:]
    )


@register.filter
def media_time(seconds: float | None) -> str:
    """Write a place in a video: 192 → 03:12, 3723 → 1:02:03."""
    whole = max(0, int(seconds or 0))
    hours, rest = divmod(whole, HOUR)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes:02}:{left:02}"


@register.simple_tag
def avatar(person: Person, size: str = "", *, staff: bool = False, online: bool = False) -> SafeString:
    """Draw a person's initial on their colour; the name beside it speaks, so it is hidden from screen readers."""
    classes = ["av", f"av--{size}" if size else "", "av--staff" if staff else "", "av-on" if online else ""]
    # Staff have three strong fills, learners six quiet tints.
    color = (person.color - 1) % 3 + 1 if staff else person.color
    return format_html(
        '<span class="{}" data-c="{}" aria-hidden="true">{}</span>',
        " ".join(filter(None, classes)),
        color,
        person.initial,
    )


def _zone(zone: object) -> Any:
    return ZoneInfo(zone) if isinstance(zone, str) and zone else zone or timezone.get_current_timezone()


def _written(at: datetime, form: str, zone: object) -> str:
    locale = _locale()
    pattern = PATTERNS[form][0 if locale == "zh_Hans" else 1]
    return format_datetime(at.astimezone(_zone(zone)), pattern, locale=locale)


def _locale() -> str:
    language = get_language() or "en"
    return "zh_Hans" if language.startswith("zh") else language.replace("-", "_")


@register.filter
def zone_name(zone: object) -> str:
    """Call a time zone what people call it: 北京时间, China Standard Time, Eastern Time; an unknown one its id."""
    try:
        here = _zone(zone)
        if str(here) == "Asia/Shanghai" and _locale() == "zh_Hans":
            return "北京时间"
        january, july = (datetime(2026, month, 1, tzinfo=here).utcoffset() for month in (1, 7))
        # Only where clocks change is there a summer time to leave open.
        return get_timezone_name(here, zone_variant="standard" if january == july else "generic", locale=_locale())
    except (KeyError, ValueError, LookupError):  # a zone that nobody knows, or a language Babel does not
        return str(zone)


@register.simple_tag(takes_context=True)
def moment(context: template.Context, at: datetime | None, form: str = "time", zone: object = None) -> str:
    """Write a moment as clocks in ``zone`` (name or tzinfo; the site's if left out) show it.

    Forms: time 14:32, day 7 月 17 日 周五, date, short, weekday, stamp (day and time), full, iso, and near, which is
    the time today, “明天 08:00” tomorrow, “周日 08:00” within a week, else the day and time.
    """
    if at is None:
        return ""
    if form != "near":
        return _written(at, form, zone)
    here = _zone(zone)
    days = (at.astimezone(here).date() - _now(context).astimezone(here).date()).days
    time = _written(at, "time", zone)
    if abs(days) <= 1:
        around = {0: "%(time)s", 1: gettext("tomorrow %(time)s"), -1: gettext("yesterday %(time)s")}
        return around[days] % {"time": time}
    return f"{_written(at, 'weekday' if 1 < days < WEEK else 'short', zone)} {time}"


def _now(context: template.Context) -> datetime:
    """Return the moment this page shows: what the view gave as ``now``, else the clock's."""
    given = context.get("now")
    return given if isinstance(given, datetime) else clock.now(context.get("request"))


def _ago(at: datetime, now: datetime) -> str:
    seconds = (now - at).total_seconds()
    if seconds < 60:  # noqa: PLR2004  (a minute)
        return gettext("just now")
    if seconds < HOUR:
        count = int(seconds // 60)
        return ngettext("%(count)d minute ago", "%(count)d minutes ago", count) % {"count": count}
    if seconds < DAY:
        count = int(seconds // HOUR)
        return ngettext("%(count)d hour ago", "%(count)d hours ago", count) % {"count": count}
    if seconds < WEEK * DAY:
        count = int(seconds // DAY)
        return ngettext("%(count)d day ago", "%(count)d days ago", count) % {"count": count}
    return _written(at, "short", None)


@register.simple_tag(name="since", takes_context=True)
def since_tag(context: template.Context, at: datetime | None) -> str:
    """Say how long ago: 刚刚, 6 分钟前, 2 小时前, 3 天前, else the day."""
    return _ago(at, _now(context)) if at else ""


@register.filter(name="since")
def since_filter(at: datetime | None, now: datetime | None = None) -> str:
    """Say how long ago ``at`` was at ``now``."""
    return _ago(at, now or clock.now()) if at else ""


@register.simple_tag(takes_context=True)
def left(context: template.Context, until: datetime | None) -> str:
    """Say how long it is until a moment: 4 小时 17 分, 2 天 3 小时; empty once it is over."""
    if until is None:
        return ""
    return span(until - _now(context))


@register.filter
def span(length: timedelta | float) -> str:
    """Write a length in its two largest units: 52 分钟, 4 小时 17 分, 2 天 3 小时."""
    seconds = length.total_seconds() if isinstance(length, timedelta) else float(length)
    if seconds <= 0:
        return ""
    hours, minutes = divmod(int(seconds // 60), 60)
    days, over = divmod(hours, 24)
    if days:
        whole, mixed = ngettext("%(count)d day", "%(count)d days", days), gettext("%(days)d d %(hours)d h")
        return (mixed if over else whole) % {"count": days, "days": days, "hours": over}
    if hours:
        whole, mixed = ngettext("%(count)d hour", "%(count)d hours", hours), gettext("%(hours)d h %(minutes)d min")
        return (mixed if minutes else whole) % {"count": hours, "hours": hours, "minutes": minutes}
    if minutes:
        return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
    return gettext("less than a minute")


@register.simple_tag(takes_context=True)
def count_down(
    context: template.Context,
    until: datetime,
    form: str = "clock",
    refresh: str = "",
    extra: str = "",
    label: str = "",
) -> SafeString:
    """Count down to a moment by the server's clock: ``clock`` 01:42:09, ``hold`` 14:32, ``days`` 2 天 3 小时.

    At zero the element with the id ``refresh`` gets a ``refresh`` event (``hx-trigger="refresh"``), else the page
    reloads. Without a script the reader sees what was left when the page was made.
    """
    now = _now(context)
    seconds = max(0, ceil((until - now).total_seconds()))
    hours, minutes = divmod(seconds // 60, 60)
    parts = {
        # format_html would pad the figures as words, so they are written before.
        "clock": format_html("<b>{}</b>:<b>{}</b>:<b>{}</b>", f"{hours:02}", f"{minutes:02}", f"{seconds % 60:02}"),
        "hold": format_html("{}", f"{seconds // 60:02}:{seconds % 60:02}"),
        "days": format_html("{}", span(seconds)),
    }
    return format_html(
        '<count-down class="{}" role="timer"{} ends-at="{}" now="{}" format="{}"{} data-days="{}" data-hours="{}"'
        ' data-minutes="{}" data-five="{}" data-one="{}" data-over="{}">{}</count-down>',
        " ".join(filter(None, ["cd" if form == "clock" else "num", extra])),
        format_html(' aria-label="{}"', label) if label else "",
        until.astimezone(UTC).isoformat(),
        now.astimezone(UTC).isoformat(),
        form,
        format_html(' refresh="{}"', refresh) if refresh else "",
        gettext("{d} d {h} h"),
        gettext("{h} h {m} min"),
        gettext("{m} min"),
        gettext("5 minutes left"),
        gettext("1 minute left"),
        gettext("Time is up"),
        parts[form],
    )


@register.simple_tag
def sep() -> SafeString:
    """Draw the dot between the parts of a meta line."""
    return mark_safe('<i class="sep"></i>')


@register.simple_tag
def icon(name: str, size: str = "", label: str = "", extra: str = "") -> SafeString:
    """Draw an icon of the kit; give ``label`` only when no word stands beside it; ``extra`` is more classes."""
    classes = " ".join(filter(None, ["i", f"i-{name}", f"i-{size}" if size else "", extra]))
    if label:
        return format_html('<i class="{}" role="img" aria-label="{}"></i>', classes, label)
    return format_html('<i class="{}" aria-hidden="true"></i>', classes)


@register.simple_tag
def qr(text: str, label: str = "", size: int = 220, level: str = "m") -> SafeString:
    """Draw ``text`` as a QR code; dark on light in both themes, because scanners need that."""
    code = segno.make(str(text), error=level, micro=False)
    body = code.svg_inline(border=2, light="#fff", omitsize=True, svgclass=None, lineclass=None)
    shape = body.partition(" ")[2]
    return format_html(
        '<svg class="qr" role="img" aria-label="{}" width="{}" height="{}" {}',
        label or gettext("QR code"),
        size,
        size,
        mark_safe(shape),  # noqa: S308  (segno draws numbers only)
    )


@register.filter
def percent(part: float, whole: float = 100) -> int:
    """Give a whole percentage: 0 only when there is nothing, 100 only when it is complete."""
    if not whole or part <= 0:
        return 0
    return 100 if part >= whole else min(99, max(1, floor(part * 100 / whole + 0.5)))


@register.filter
def percent_class(part: float, whole: float = 100) -> str:
    """Give the class that sets ``--v`` and ``--n`` to this share: ``{{ done|percent_class:all }}`` → ``v-38``."""
    return f"v-{percent(part, whole)}"


@register.filter
def rich(text: object, by: str = "") -> SafeString:
    """Show Markdown; ``|rich:"organizer"`` allows HTML, which is cleaned."""
    return richtext.render(str(text), by_organizer=by == "organizer")


@register.filter
def share(part: float, whole: float) -> str:
    """Give a share with one decimal for SVG attributes: ``x="{{ start|share:length }}"`` → ``15.2%``."""
    return f"{part * 100 / whole:.1f}%" if whole else "0%"


@register.filter
def thousands(count: float | None) -> str:
    """Write a count with commas: 12486 → 12,486; nothing is 0."""
    return f"{count or 0:,}"
