"""Addresses of media files: a signed pass in the path, so that players and captions need no header of ours."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from kaiying.wire import clock
from kaiying.wire.entry import ANYONE
from kaiying.wire.passes import BadPass, Keys, issue, read

PREFIX = "/media/"
PURPOSE = "media"
LIFE = timedelta(hours=6)
LONGEST_PATH = 512


@dataclass(frozen=True, slots=True)
class MediaPass:
    """The right to read one file, or every file in a folder (its path ends in ``/``); user 0 is anyone."""

    user_id: int
    path: str
    issued: float
    until: float

    def opens(self, path: str) -> bool:
        """Tell whether this pass is for ``path``."""
        return path.startswith(self.path) if self.path.endswith("/") else path == self.path


def media_pass(path: str, *, user_id: int, until: datetime | None = None) -> str:
    """Return a pass to the file ``path`` (under the media root), or to a folder if it ends in ``/``.

    It counts in real time, also on a page that travels in time, and opens only for the person who is signed in in
    that browser: pass the id of whoever looks, not of the learner looked at. ``user_id=0`` is for what anyone may
    see; those passes stay the same for hours, so that browsers can keep the file.
    """
    folder = path.removesuffix("/")
    if not is_plain(folder):
        message = f"not a path under the media root: {path!r}"
        raise ValueError(message)
    now = clock.now()
    if until is None:
        until = now + LIFE if user_id else _next_turn(now)
    payload = {"u": user_id, "p": path} | ({"i": clock.real()} if user_id else {})
    return issue(payload, key=Keys.of(PURPOSE), until=until)


def media_url(path: str, *, user_id: int, until: datetime | None = None) -> str:
    """Return the address of one media file for one person; see ``media_pass``."""
    return f"{PREFIX}{media_pass(path, user_id=user_id, until=until)}/{quote(path)}"


def read_media_pass(token: str, *, at: datetime) -> MediaPass:
    """Return what this pass opens; raises ``BadPass``."""
    payload = read(token, key=Keys.of(PURPOSE), at=at)
    if payload["u"] < ANYONE:
        raise BadPass("user")
    return MediaPass(payload["u"], payload["p"], payload.get("i", 0.0), payload["x"])


def is_plain(path: str) -> bool:
    """Tell whether a path names something strictly below its root: no dots, no tricks, no hidden files."""
    if not path or len(path) > LONGEST_PATH or "\\" in path or not path.isprintable():
        return False
    return all(part and not part.startswith(".") for part in path.split("/"))


def _next_turn(now: datetime) -> datetime:
    turn = LIFE.total_seconds()
    return datetime.fromtimestamp((now.timestamp() // turn + 2) * turn, UTC)
