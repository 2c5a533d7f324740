"""Turns: the signed tickets of a waiting room, and the place on the line that each of them names.

Places are numbers on one line. Who was there before the opening has an **early** turn; its place is drawn when the sale
opens, from a seed that nobody knew before: ``floor(u × early)``, where ``u`` is HMAC-SHA256(seed, "offer:learner") as a
fraction of 1 and ``early`` how many there were. Who comes later has a number, and stands on ``early`` plus that.

A turn is a cookie. It names its offer and its learner, so it is verified without a look-up, and is worth nothing to
others.
"""

import hmac
import threading
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol

from kaiying.wire.passes import BadPass, Keys, issue, read

PURPOSE = "turn"
LIFE = timedelta(days=60)
"""A reservation may be weeks old when its sale opens."""
BITS = 256
LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Of a turn's short name; none that looks like another."""


class Line(Protocol):
    """What must be known of a waiting room to find somebody's place."""

    @property
    def seed(self) -> str:
        """What early places are drawn with."""

    @property
    def early(self) -> int:
        """How many were there before the opening."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Somebody's turn: ``number`` is given to who came after the opening; ``since`` is how far the line was then."""

    offer_id: int
    learner_id: int
    number: int | None = None
    since: int = 0

    @property
    def is_early(self) -> bool:
        """Tell whether its place is drawn."""
        return self.number is None

    def place(self, line: Line) -> int:
        """Return where it stands; 0 is the head of the line."""
        if self.number is None:
            return early_place(line.seed, self.offer_id, self.learner_id, line.early)
        return line.early + self.number

    @property
    def code(self) -> str:
        """A short name for it, to be read aloud: K7Q-3F."""
        name = f"{self.offer_id}:{self.learner_id}:{self.number}"
        letters = "".join(LETTERS[byte % len(LETTERS)] for byte in sha256(name.encode()).digest()[:5])
        return f"{letters[:3]}-{letters[3:]}"


def cookie_name(offer_id: int) -> str:
    """Return the name of the cookie that holds a turn."""
    return f"ky_turn_{offer_id}"


def draw(seed: str, offer_id: int, learner_id: int) -> int:
    """Return ``u`` of this learner, times 2^256."""
    return int.from_bytes(hmac.digest(seed.encode(), f"{offer_id}:{learner_id}".encode(), sha256))


def early_place(seed: str, offer_id: int, learner_id: int, early: int) -> int:
    """Return the place of somebody who was there before the opening, when ``early`` people were."""
    return draw(seed, offer_id, learner_id) * early >> BITS


def turn_token(turn: Turn, *, at: datetime) -> str:
    """Return the value of a turn's cookie."""
    payload = {"o": turn.offer_id, "u": turn.learner_id, "n": turn.number, "s": turn.since}
    return issue(payload, key=Keys.of(PURPOSE), until=at + LIFE)


def read_turn(token: str, *, offer_id: int, learner_id: int, at: datetime) -> Turn:
    """Return the turn of this learner in this offer; raises ``BadPass``, also for the turn of somebody else."""
    payload = read(token, key=Keys.of(PURPOSE), at=at)
    if (payload.get("o"), payload.get("u")) != (offer_id, learner_id):
        raise BadPass("foreign")
    return Turn(offer_id, learner_id, payload["n"], payload["s"])


class Arrivals:
    """Who came when they were let in, counted once each in this process, until somebody takes the count away.

    Who walks straight through, without a turn, is counted once more: they use up a number that nobody gave them.
    """

    def __init__(self, *, most: int = 500_000) -> None:
        """Remember up to ``most`` people; then begin anew, so that memory stays bounded."""
        self._most = most
        self._lock = threading.Lock()
        self._seen: set[tuple[int, int]] = set()
        self._came: Counter[int] = Counter()
        self._walked: Counter[int] = Counter()

    def has(self, offer_id: int, learner_id: int) -> bool:
        """Tell whether this learner was let in before."""
        return (offer_id, learner_id) in self._seen

    def note(self, offer_id: int, learner_id: int, *, walked: bool = False) -> None:
        """Count this learner, unless they were counted before."""
        who = (offer_id, learner_id)
        if who in self._seen:
            return
        with self._lock:
            if len(self._seen) >= self._most:
                self._seen.clear()
            if who not in self._seen:
                self._seen.add(who)
                self._came[offer_id] += 1
                self._walked[offer_id] += walked

    def walked(self, offer_id: int) -> int:
        """Return how many walked through since they were taken last."""
        return self._walked[offer_id]

    def take(self, offer_id: int) -> tuple[int, int]:
        """Return how many came, and how many of them without a turn, since this was asked last."""
        with self._lock:
            return self._came.pop(offer_id, 0), self._walked.pop(offer_id, 0)

    def give_back(self, offer_id: int, came: int, walked: int) -> None:
        """Count these again: they could not be written."""
        with self._lock:
            self._came[offer_id] += came
            self._walked[offer_id] += walked


arrivals = Arrivals()
"""Those of this process."""
