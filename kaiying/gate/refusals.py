"""What hot paths answer with, as bytes, and their noes in the reader's language; the same no is written once."""

import json
import math
from typing import NamedTuple

from django.utils import translation

from kaiying.gate.request import Denied
from kaiying.kit.errors import Refused

MOST_WRITTEN = 1000
_written: dict[tuple[type[Refused], str, tuple[tuple[str, str], ...]], bytes] = {}


class Reply(NamedTuple):
    """An answer for whatever server carries it: status, headers of its own as text, and JSON that nobody keeps."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


def refused(no: Refused | type[Refused], language: str, **facts: object) -> Reply:
    """Return a refusal of the domain, with ``facts`` for programs beside its text."""
    kind, told = (no, {}) if isinstance(no, type) else (type(no), no.facts)
    key = kind, language, tuple(sorted((name, str(value)) for name, value in told.items()))
    said = _written.get(key)
    if said is None:
        with translation.override(language):
            said = _write({"code": kind.code, "text": str(kind(**told))})
        if len(_written) < MOST_WRITTEN:
            _written[key] = said
    return Reply(kind.status, said if not facts else _with(said, facts))


def denied(no: Denied, language: str, **facts: object) -> Reply:
    """Return a refusal of the gate; one that passes says when to come back, in its header and to the millisecond."""
    with translation.override(language):
        said = _write(no.said())
    if no.retry_after is None:
        return Reply(no.status, said if not facts else _with(said, facts))
    headers = (("retry-after", str(math.ceil(no.retry_after))),)
    return Reply(no.status, _with(said, {"retry_after": round(no.retry_after, 3), **facts}), headers)


def _with(said: bytes, facts: dict[str, object]) -> bytes:
    return b"%b,%b" % (said[:-1], _write(facts)[1:])


def _write(said: dict[str, object] | dict[str, str]) -> bytes:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
