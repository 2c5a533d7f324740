"""What has just happened in a sale: acts of operators and moments of the sale itself, newest first."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kaiying.offers.models import Act, Incident, Offer
from kaiying.offers.vocabulary import ActKind
from kaiying.pages.queries.live_chart import Mark
from kaiying.pages.queries.live_seats import Gone
from kaiying.pages.queries.live_words import clock

SHOWN = 10


@dataclass(frozen=True, slots=True)
class News:
    """One line: when, what, and for an act why."""

    at: datetime
    time: str
    text: str
    reason: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Past:
    """What was done and what happened, as rows."""

    acts: list[Act]
    incidents: list[Incident]
    gone: list[Gone]


def news(*, offer: Offer, past: Past, at: datetime) -> list[News]:
    """Return the latest lines."""
    zone = offer.cohort.zone
    lines = [
        *(_line(act.at, _said(str(act.by), _act(act)), at, zone, act.reason) for act in past.acts),
        *(line for one in past.incidents for line in _incident(one, at, zone)),
        *(_line(one.at, _("%(tier)s: the last seat is taken") % {"tier": one.name}, at, zone) for one in past.gone),
        *_clockwork(offer, past.acts, at, zone),
    ]
    return sorted(lines, key=lambda line: line.at, reverse=True)[:SHOWN]


def marks_of(past: Past, *, zone: str) -> list[Mark]:
    """Return what is written on the chart."""

    def mark(at: datetime, text: str, tone: str = "") -> Mark:
        return Mark(at, f"{clock(at, zone, now=at)} {text}", tone)

    return [
        *(mark(act.at, _short(act)) for act in past.acts if act.kind != ActKind.COMP),
        *(mark(one.at, _("%(tier)s gone") % {"tier": one.name}, "ember") for one in past.gone),
        *(mark(one.began_at, _("too few answered"), "warn") for one in past.incidents),
    ]


def _line(moment: datetime, text: str, at: datetime, zone: str, reason: str = "", tone: str = "") -> News:
    return News(moment, clock(moment, zone, now=at), text, reason, tone)


def _clockwork(offer: Offer, acts: Iterable[Act], at: datetime, zone: str) -> list[News]:
    """Return what the clock did: the opening, and an end that nobody brought about."""
    lines = []
    if offer.opens_at <= at:
        said = ngettext(
            "The sale opened; %(count)s person had reserved",
            "The sale opened; %(count)s people had reserved",
            offer.reserved,
        ) % {"count": f"{offer.reserved:,}"}
        lines.append(_line(offer.opens_at, said if offer.reserved else _("The sale opened"), at, zone))
    if offer.closes_at and offer.closes_at <= at and not any(act.kind == ActKind.CLOSE for act in acts):
        lines.append(_line(offer.closes_at, _("The sale closed"), at, zone))
    return lines


def _incident(one: Incident, at: datetime, zone: str) -> list[News]:
    facts = {"answered": f"{one.answered:,}", "asked": f"{one.asked:,}"}
    lines = [_line(one.began_at, _("Only %(answered)s of %(asked)s got an answer") % facts, at, zone, tone="warn")]
    if one.ended_at:
        lines.append(_line(one.ended_at, _("Those who ask get an answer again"), at, zone))
    return lines


def _said(who: str, did: str) -> str:
    """Put a name before what was done: a space between them unless both are Han."""
    return f"{who}{did}" if not who[-1:].isascii() and not did[:1].isascii() else f"{who} {did}"


def _facts(act: Act) -> dict[str, str]:
    was, now = act.facts.get("was"), act.facts.get("now")
    return {"was": f"{was:,}" if isinstance(was, int) else "", "now": f"{now:,}" if isinstance(now, int) else ""}


def _rate(act: Act, *, short: bool = False) -> str:
    """Say how the admission rate changed; the measured one has no number."""
    if act.facts.get("now") is None:
        return _("let in as measured") if short else _("left admission to the measured rate")
    if act.facts.get("was") is None:
        return _("let in %(now)s") if short else _("set admission to %(now)s a second")
    return _("let in %(was)s → %(now)s") if short else _("changed admission from %(was)s to %(now)s a second")


def _act(act: Act) -> str:
    """Say what an operator did, to stand after their name."""
    words = {
        ActKind.RAISE: _("raised the seats from %(was)s to %(now)s"),
        ActKind.LOWER: _("lowered the seats from %(was)s to %(now)s"),
        ActKind.CLOSE: _("closed the sale"),
        ActKind.PAUSE: _("paused admission"),
        ActKind.RESUME: _("resumed admission"),
        ActKind.RATE: _rate(act),
        ActKind.LIFT: _("switched the waiting room off"),
        ActKind.RESTORE: _("switched the waiting room on"),
        ActKind.COMP: _("gave seat %(seat)s away"),
    }
    return words[ActKind(act.kind)] % {**_facts(act), "seat": act.facts.get("seat", "")}


def _short(act: Act) -> str:
    """Say it in the few words a chart has room for."""
    words = {
        ActKind.RAISE: _("seats %(was)s → %(now)s"),
        ActKind.LOWER: _("seats %(was)s → %(now)s"),
        ActKind.CLOSE: _("closed"),
        ActKind.PAUSE: _("paused"),
        ActKind.RESUME: _("resumed"),
        ActKind.RATE: _rate(act, short=True),
        ActKind.LIFT: _("no waiting room"),
        ActKind.RESTORE: _("waiting room"),
        ActKind.COMP: "",
    }
    return words[ActKind(act.kind)] % _facts(act)
