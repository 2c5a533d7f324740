"""The system's panel: only what is measured. What this install cannot measure has no line."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Count, Min
from django.db.models.functions import Greatest
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from kaiying.offers.models import Admission
from kaiying.offers.queries import Beats
from kaiying.outbox.models import Job
from kaiying.pages.queries.live_chart import spark
from kaiying.pages.queries.live_words import duration, figure

SLOW_MS = 1_000
LATE = timedelta(minutes=1)
CROWDED = 0.9


@dataclass(frozen=True, slots=True)
class Health:
    """One measured thing: what it is, how it stands, and its line over the window of the chart."""

    name: str
    value: str
    note: str = ""
    line: str = ""
    is_bad: bool = False


def health(*, parts: list[Beats], minute: Beats, room: Admission | None, at: datetime) -> list[Health]:
    """Return the lines of the panel; at most two statements."""
    return [*_asking(parts, minute), *_admission(room), _jobs(at), *_connections()]


def _asking(parts: list[Beats], minute: Beats) -> list[Health]:
    """Return what those get who ask for a seat; nothing while nobody asks."""
    if minute.success is None:
        return []
    shares = [part.success if part.success is not None else 1.0 for part in parts]
    sent_away = minute.shed + minute.failed
    lines = [
        Health(
            _("Claims answered"),
            f"{minute.success:.1%}" if minute.success < 1 else "100%",
            _("%(count)s turned away") % {"count": f"{sent_away:,}"} if sent_away else "",
            spark(shares),
            minute.is_alarming,
        )
    ]
    if minute.slow_ms:
        slow = spark([part.slow_ms for part in parts])
        value = f"{minute.slow_ms:,} ms"
        lines.append(Health(_("Claim answer, p95"), value, line=slow, is_bad=minute.slow_ms > SLOW_MS))
    return lines


def _admission(room: Admission | None) -> list[Health]:
    if room is None:
        return []
    note = _("limited") if room.rate else _("as measured") if room.measured else _("as usual")
    if room.paused_at or room.lifted_at:
        note = _("paused") if room.paused_at else pgettext("admission", "switched off")
    rate = _("%(rate)s a second") % {"rate": figure(room.pace)}
    return [Health(_("Let in"), _("0 a second") if room.paused_at else rate, note, is_bad=room.paused_at is not None)]


def _jobs(at: datetime) -> Health:
    due = Job.objects.due(at=at).aggregate(count=Count("pk"), oldest=Min(Greatest("run_at", "created_at")))
    waited = at - due["oldest"] if due["oldest"] else timedelta(0)
    note = _("oldest %(length)s") % {"length": duration(waited.total_seconds())} if waited > LATE else ""
    return Health(_("Jobs waiting"), f"{due['count']:,}", note, is_bad=waited > LATE)


def _connections() -> list[Health]:
    """How many connections PostgreSQL has of those it allows; SQLite has none to count."""
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), current_setting('max_connections')::integer FROM pg_stat_activity")
        [(used, most)] = cursor.fetchall()
    return [Health(_("Database connections"), f"{used}/{most}", is_bad=used > CROWDED * most)]
