"""``/metrics``: figures of this process as Prometheus reads them; for this machine, or with the operator's token."""

import hmac
from collections.abc import Callable, Iterable, Iterator

from django.conf import settings
from django.utils.translation import gettext_noop as _

from kaiying.gate.pressure import Pressure
from kaiying.gate.replies import CLOSED, NOT_KEPT, end, pack, start
from kaiying.gate.request import Denied, Request, Send
from kaiying.wire.batcher import Batcher

TYPE = "text/plain; version=0.0.4; charset=utf-8"
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
HERE = {"127.0.0.1", "::1"}

type AnyBatcher = Batcher[object, object]


class Metrics:
    """The handler of figures."""

    def __init__(self, batchers: Callable[[], Iterable[Batcher[object, object]]], pressure: Pressure) -> None:
        """Show what these batchers have done, and the pressure of a crowd."""
        self._batchers, self._pressure = batchers, pressure

    async def __call__(self, request: Request, send: Send) -> None:
        """Answer one request."""
        request.allow("GET")
        if not _may_look(request):
            raise Denied(404, "missing", _("There is nothing here."))
        lines = [*_crowd(self._pressure), *_writers(list(self._batchers()))]
        body = "".join(f"{line}\n" for line in lines).encode()
        await start(send, 200, [*CLOSED, NOT_KEPT, *pack({"content-type": TYPE, "content-length": len(body)})])
        await end(send, body)


def _may_look(request: Request) -> bool:
    """Tell whether this comes from this machine itself, not through a proxy on it, or brings the token."""
    word, _space, token = request.headers.get("authorization", "").partition(" ")
    if settings.METRICS_TOKEN and word.lower() == "bearer":
        return hmac.compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode())
    host, *_port = request.scope.get("client") or ("",)
    return host in HERE and not any(name in request.headers for name in FORWARDED)


def _crowd(pressure: Pressure) -> Iterator[str]:
    yield "# HELP kaiying_gate_inside Requests of a crowd on their way, and how many there may be."
    for name, count in (("inside", pressure.inside), ("limit", pressure.limit)):
        yield f"# TYPE kaiying_gate_{name} gauge"
        yield f"kaiying_gate_{name} {count}"
    yield "# HELP kaiying_gate_refused_total Requests refused unread, because the loop was late."
    yield "# TYPE kaiying_gate_refused_total counter"
    yield f"kaiying_gate_refused_total {pressure.refused}"


def _writers(batchers: list[AnyBatcher]) -> Iterator[str]:
    yield "# TYPE kaiying_writer_waiting gauge"
    for batcher in batchers:
        yield f'kaiying_writer_waiting{{writer="{batcher.name}"}} {batcher.waiting}'
    for name, what in (("shed", "turned away"), ("retried", "tried again alone")):
        yield f"# HELP kaiying_writer_{name}_total Requests that were {what}."
        yield f"# TYPE kaiying_writer_{name}_total counter"
        for batcher in batchers:
            yield f'kaiying_writer_{name}_total{{writer="{batcher.name}"}} {getattr(batcher.figures, name)}'
    for name, attribute in (("batch_size", "sizes"), ("wait_seconds", "waits"), ("commit_seconds", "commits")):
        yield f"# TYPE kaiying_writer_{name} histogram"
        for batcher in batchers:
            yield from getattr(batcher.figures, attribute).lines(f"kaiying_writer_{name}", f'writer="{batcher.name}"')
