"""How the gate answers: JSON, plain text, and the headers that go with everything it sends."""

import json
import math
from collections.abc import Iterable, Mapping

from django.utils import translation

from kaiying.gate.request import Denied, Header, Request, Send

OURS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
SAFE: tuple[Header, ...] = (*OURS, (b"referrer-policy", b"same-origin"))
"""For what may become a document."""

CLOSED: tuple[Header, ...] = (*OURS, (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"))
NOT_KEPT: Header = (b"cache-control", b"no-store")


def pack(headers: Mapping[str, str | int]) -> list[Header]:
    """Return headers in the form ASGI wants."""
    return [(name.encode("latin-1"), str(value).encode("latin-1")) for name, value in headers.items()]


async def start(send: Send, status: int, headers: Iterable[Header]) -> None:
    """Send the status line and headers."""
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})


async def end(send: Send, body: bytes = b"") -> None:
    """Send the last of the body."""
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def send_json(send: Send, status: int, said: object, *, extra: Iterable[Header] = ()) -> None:
    """Answer with JSON that nobody keeps."""
    body = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
    headers = [*CLOSED, NOT_KEPT, *pack({"content-type": "application/json", "content-length": len(body)}), *extra]
    await start(send, status, headers)
    await end(send, body)


async def send_text(send: Send, status: int, text: str) -> None:
    """Answer with one line of text, for probes."""
    body = f"{text}\n".encode()
    type_and_size = pack({"content-type": "text/plain; charset=utf-8", "content-length": len(body)})
    await start(send, status, [*CLOSED, NOT_KEPT, *type_and_size])
    await end(send, body)


async def send_denied(request: Request, send: Send, denied: Denied, *, allow: str = "") -> None:
    """Answer a refusal, in the reader's language."""
    with translation.override(request.language):
        said = denied.said()
    extra = {"allow": allow} if allow and denied.status == 405 else {}  # noqa: PLR2004 — 405 must name what is allowed
    if denied.retry_after is not None:
        extra["retry-after"] = str(math.ceil(denied.retry_after))
    await send_json(send, denied.status, said, extra=pack(extra))
