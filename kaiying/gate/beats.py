"""``POST /gate/beats``: what was watched, from the players of all who watch, merged by group commit.

The body is ``{"device": str, "beats": [{"lesson": int, "spans": [[start, end], …], "position": seconds}, …]}``, as
JSON or as the plain text of ``sendBeacon``. A beat may leave out its position (it only catches up) and may name its
``cohort`` (for who is in several runs of one camp). The answer is ``{"merged": […], "refused": […]}`` once it is
durable; a refusal carries the beat's place in the list. Who watched is said by the entry pass, never by the body.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connections
from django.utils import translation
from django.utils.translation import gettext_noop as _

from kaiying.gate.connections import refresh
from kaiying.gate.replies import send_json
from kaiying.gate.request import Denied, Request, Send
from kaiying.gate.revocations import Revocations
from kaiying.kit.errors import Refused
from kaiying.learning.actions import Beat, Merged, record_beats
from kaiying.wire import clock
from kaiying.wire.batcher import Batcher, Overloaded
from kaiying.wire.buckets import Buckets

LARGEST_BODY = 64 * 1024
MOST_BEATS = 200
MOST_SPANS = 500
LONGEST_VIDEO = 24 * 3600.0
LONGEST_DEVICE = 64
LARGEST_ID = 2**63 - 1
KINDS = {"application/json", "text/plain"}
BEAT_KEYS = {"lesson", "spans", "position", "cohort"}
BODY_KEYS = {"device", "beats"}

type Asked = list[Beat]
type Answered = list[Merged | Refused]


class Beats:
    """The handler of beats."""

    def __init__(self, revocations: Revocations) -> None:
        """Prepare the batcher; its thread starts with the first beat."""
        self._revocations = revocations
        self._limits = Buckets[int](burst=40, per_second=1.0)
        self.batcher: Batcher[Asked, Answered] = Batcher(
            commit, limit=512, weigh=len, leave=connections.close_all, name="beats"
        )

    async def __call__(self, request: Request, send: Send) -> None:
        """Answer one request, after what it brought is durable."""
        request.allow("POST")
        request.same_origin()
        learner_id = self._learner(request)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in KINDS:
            raise Denied(415, "content_type", _("Beats are sent as JSON."))
        wait = self._limits.wait(learner_id)
        if wait:
            raise Denied(429, "too_often", _("That was too often. Please wait a moment."), retry_after=wait)
        beats = read_beats(await request.body(limit=LARGEST_BODY), learner_id=learner_id)
        try:
            answers = await self.batcher.ask(beats) if beats else []
        except Overloaded as overloaded:
            text = _("There is a lot going on. Nothing is lost; we will try again shortly.")
            raise Denied(503, "overloaded", text, retry_after=overloaded.retry_after) from None
        with translation.override(request.language):
            said = _said(beats, answers)
        await send_json(send, 200, said)

    def _learner(self, request: Request) -> int:
        entry = request.entry
        if entry is None or self._revocations.ended_entry(entry):
            raise Denied(401, "signed_out", _("You are signed out. Please sign in again."))
        return entry.user_id


def commit(asked: list[Asked]) -> list[Answered | Exception]:
    """Record the beats of many requests in one transaction; runs in the batcher's thread."""
    refresh()
    answers = iter(record_beats([beat for beats in asked for beat in beats], at=clock.now()))
    return [[next(answers) for _beat in beats] for beats in asked]


def read_beats(body: bytes, *, learner_id: int) -> list[Beat]:
    """Return the beats of a request's body; raises ``Denied`` (400) naming what is wrong."""
    try:
        said = json.loads(body, parse_constant=_not_a_number)
    except (ValueError, RecursionError):
        raise Denied(400, "not_json", _("The request is not JSON.")) from None
    if not isinstance(said, dict):
        raise _wrong("body")
    _only(said, BODY_KEYS)
    device, beats = said.get("device"), said.get("beats")
    if not isinstance(device, str) or not 0 < len(device) <= LONGEST_DEVICE or not device.isprintable():
        raise _wrong("device")
    if not isinstance(beats, list) or len(beats) > MOST_BEATS:
        raise _wrong("beats")
    return [_beat(beat, device=device, learner_id=learner_id) for beat in beats]


def _beat(said: Any, *, device: str, learner_id: int) -> Beat:
    if not isinstance(said, dict):
        raise _wrong("beats")
    _only(said, BEAT_KEYS)
    spans, position, cohort = said.get("spans", []), said.get("position"), said.get("cohort")
    if not isinstance(spans, list) or len(spans) > MOST_SPANS:
        raise _wrong("spans")
    return Beat(
        learner_id=learner_id,
        lesson_id=_id(said.get("lesson"), "lesson"),
        spans=[_span(span) for span in spans],
        position=None if position is None else _seconds(position, "position"),
        device=device,
        cohort_id=None if cohort is None else _id(cohort, "cohort"),
    )


def _id(said: Any, where: str) -> int:
    if not isinstance(said, int) or isinstance(said, bool) or not 0 < said <= LARGEST_ID:
        raise _wrong(where)
    return said


def _span(said: Any) -> tuple[float, float]:
    if not isinstance(said, list) or len(said) != 2:  # noqa: PLR2004 — a start and an end
        raise _wrong("spans")
    start, end = _seconds(said[0], "spans"), _seconds(said[1], "spans")
    if end < start:
        raise _wrong("spans")
    return start, end


def _seconds(said: Any, where: str) -> float:
    if not isinstance(said, int | float) or isinstance(said, bool) or not 0 <= said <= LONGEST_VIDEO:
        raise _wrong(where)
    return float(said)


def _only(said: dict[str, Any], known: set[str]) -> None:
    for key in said:
        if key not in known:
            raise _wrong(key[:LONGEST_DEVICE])


def _not_a_number(_said: str) -> float:
    raise ValueError


def _wrong(field: str) -> Denied:
    return Denied(400, "bad_beats", _("“%(field)s” is not as it should be."), field=field)


def _said(beats: Sequence[Beat], answers: Sequence[Merged | Refused]) -> dict[str, list[dict[str, object]]]:
    merged, refused = [], []
    for place, (beat, answer) in enumerate(zip(beats, answers, strict=True)):
        if isinstance(answer, Refused):
            refused.append({"place": place, "lesson": beat.lesson_id, "code": answer.code, "text": str(answer)})
        else:
            merged.append(_said_merged(answer))
    return {"merged": merged, "refused": refused}


def _said_merged(merged: Merged) -> dict[str, object]:
    return {
        "lesson": merged.lesson_id,
        "watched": merged.watched,
        "spans": merged.spans,
        "position": merged.position,
        "position_at": _moment(merged.position_at),
        "completed_at": _moment(merged.completed_at),
        "length": merged.length,
        "trimmed": merged.trimmed,
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
