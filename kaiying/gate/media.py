"""``/media/<pass>/<path>``: files of lessons and pages, with ranges, for whoever holds a pass and is who it names."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path, PurePosixPath

from django.conf import settings
from django.utils.translation import gettext_noop as _

from kaiying.gate.files import OpenFile, open_file
from kaiying.gate.replies import SAFE, end, pack, start
from kaiying.gate.request import Denied, Header, Request, Send
from kaiying.gate.revocations import Revocations
from kaiying.wire import clock
from kaiying.wire.media import PREFIX, MediaPass, read_media_pass
from kaiying.wire.passes import BadPass
from kaiying.wire.ranges import OutOfRange, Span, content_range, http_date, parse, still_fits, unchanged

METHODS = ("GET", "HEAD")
TYPES = {
    ".mp4": "video/mp4", ".m4s": "video/iso.segment", ".webm": "video/webm", ".mov": "video/quicktime",
    ".m3u8": "application/vnd.apple.mpegurl", ".ts": "video/mp2t",
    ".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".ogg": "audio/ogg", ".wav": "audio/wav",
    ".vtt": "text/vtt; charset=utf-8",
    ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp", ".gif": "image/gif",
    ".avif": "image/avif", ".svg": "image/svg+xml",
    ".pdf": "application/pdf", ".txt": "text/plain; charset=utf-8",
}  # fmt: skip
SHOWN = (
    *SAFE,
    (b"content-security-policy", b"default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; sandbox"),
)
LONGEST_KEPT = 24 * 3600


class Media:
    """The handler of media requests."""

    def __init__(self, revocations: Revocations) -> None:
        """Serve what lies under the media root, minding what was taken back."""
        self._revocations = revocations
        self._under_way: set[asyncio.Task[None]] = set()

    async def __call__(self, request: Request, send: Send) -> None:
        """Answer one request."""
        request.allow(*METHODS)
        token, _slash, path = request.path.removeprefix(PREFIX).partition("/")
        granted = self._granted(request, token, path)
        file = await open_file(Path(settings.MEDIA_ROOT), path)
        if file is None:
            raise Denied(404, "missing", _("This file is not here."))
        task = asyncio.ensure_future(self._answer(request, send, file, granted, path))
        self._under_way.add(task)
        try:
            await asyncio.wait([task])
            if not task.cancelled():
                task.result()
        finally:
            self._under_way.discard(task)
            if not task.done():  # whoever waited for it was cancelled
                task.cancel()
                await asyncio.wait([task])
            file.close()

    def cut(self) -> None:
        """End downloads that would keep a stopping process alive; players ask again for what they miss."""
        for task in self._under_way:
            task.cancel()

    def _granted(self, request: Request, token: str, path: str) -> MediaPass:
        """Return the pass if it is good, for this file and for this person; one answer for all that is wrong."""
        refused = Denied(403, "no_pass", _("This link has expired or is not for you. Please reload the page."))
        try:
            granted = read_media_pass(token, at=clock.now())
        except BadPass:
            raise refused from None
        if not granted.opens(path):
            raise refused
        if granted.user_id:
            entry = request.entry
            if entry is None or entry.user_id != granted.user_id or self._revocations.ended_entry(entry):
                raise refused
            if self._revocations.ended_media(granted):
                raise refused
        return granted

    async def _answer(self, request: Request, send: Send, file: OpenFile, granted: MediaPass, path: str) -> None:
        told = request.headers
        kept = [*SHOWN, *pack(_keeping(file, granted))]
        if unchanged(told.get("if-none-match"), told.get("if-modified-since"), etag=file.etag, modified=file.modified):
            await start(send, 304, kept)
            await end(send)
            return
        spans = None
        if still_fits(told.get("if-range"), etag=file.etag, modified=file.modified):
            try:
                spans = parse(told.get("range"), size=file.size)
            except OutOfRange:
                await start(send, 416, [*SHOWN, *pack({"content-range": f"bytes */{file.size}", "content-length": 0})])
                await end(send)
                return
        kind = _kind(path)
        shape = _shape(spans, file, kind)
        await start(send, 206 if spans else 200, [*kept, *_naming(path), *pack(shape.headers)])
        if request.method == "HEAD":
            await end(send)
            return
        async with aclosing(shape.body(file)) as body:
            async for chunk in body:
                if granted.user_id and self._revocations.ended_media(granted):
                    return  # a body cut short is an error to the client, as it should be
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await end(send)


class Whole:
    """One stretch of the file: all of it, or a single range."""

    def __init__(self, span: Span, kind: str, *, size: int, partial: bool) -> None:
        """Prepare the headers."""
        self._span = span
        self.headers: dict[str, str | int] = {"content-type": kind, "content-length": span[1] - span[0]}
        if partial:
            self.headers["content-range"] = content_range(span, size=size)

    async def body(self, file: OpenFile) -> AsyncGenerator[bytes, None]:
        """Yield the bytes."""
        async with aclosing(file.read(*self._span)) as chunks:
            async for chunk in chunks:
                yield chunk


class Pieces:
    """Several ranges, as ``multipart/byteranges``."""

    def __init__(self, spans: list[Span], kind: str, *, size: int) -> None:
        """Prepare the headers and what stands between the pieces."""
        boundary = secrets.token_hex(12)
        self._spans = spans
        self._heads = [
            f"\r\n--{boundary}\r\nContent-Type: {kind}\r\nContent-Range: {one}\r\n\r\n".encode()
            for one in (content_range(span, size=size) for span in spans)
        ]
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        length = sum(map(len, self._heads)) + sum(stop - first for first, stop in spans) + len(self._tail)
        self.headers: dict[str, str | int] = {
            "content-type": f"multipart/byteranges; boundary={boundary}",
            "content-length": length,
        }

    async def body(self, file: OpenFile) -> AsyncGenerator[bytes, None]:
        """Yield the pieces with their heads."""
        for head, span in zip(self._heads, self._spans, strict=True):
            yield head
            async with aclosing(file.read(*span)) as chunks:
                async for chunk in chunks:
                    yield chunk
        yield self._tail


def _shape(spans: list[Span] | None, file: OpenFile, kind: str) -> Whole | Pieces:
    if spans is None:
        return Whole((0, file.size), kind, size=file.size, partial=False)
    if len(spans) == 1:
        return Whole(spans[0], kind, size=file.size, partial=True)
    return Pieces(spans, kind, size=file.size)


def _keeping(file: OpenFile, granted: MediaPass) -> dict[str, str]:
    """Return the headers about the copy a browser may keep: never longer than the pass is good."""
    left = max(0, min(int(granted.until - clock.now().timestamp()), LONGEST_KEPT))
    whose = "private" if granted.user_id else "public"
    return {
        "etag": file.etag,
        "last-modified": http_date(file.modified),
        "accept-ranges": "bytes",
        "cache-control": f"{whose}, max-age={left}, must-revalidate",
    } | ({"vary": "Cookie"} if granted.user_id else {})


def _kind(path: str) -> str:
    return TYPES.get(PurePosixPath(path).suffix.lower(), "application/octet-stream")


def _naming(path: str) -> Iterator[Header]:
    """Have what we do not know saved, never shown."""
    if PurePosixPath(path).suffix.lower() not in TYPES:
        yield b"content-disposition", b"attachment"
