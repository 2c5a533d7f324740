"""The load generator: built from ``load.c`` when it is needed, run on a plan, its summary read back."""

import csv
import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path
from typing import Any

from bench.gate.history import Operation

SOURCE = Path(__file__).with_name("load.c")
CLAIMS = "/gate/claims"


class Impossible(SystemExit):
    """Something is missing that the bench cannot do without."""


@dataclass(frozen=True, slots=True)
class Times:
    """How long some of the answers took, in milliseconds."""

    count: int = 0
    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    most: float = 0.0


@dataclass(frozen=True, slots=True)
class Played:
    """What became of the requests of one run; the kinds are those of ``load.c``."""

    seconds: float
    began: float
    offered: int
    unsent: int
    connections: int
    cpu: float
    shed_without_retry_after: int
    shed_late: int
    answered: Times
    taken: Times
    declined: Times
    shed: Times
    broken: Times
    unknown: Times
    statuses: dict[int, int]
    taken_each_second: list[int] = field(repr=False)
    answered_each_second: list[int] = field(repr=False)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answered.count / self.seconds

    @property
    def taken_rate(self) -> float:
        """Answers a second that gave what was asked for."""
        return self.taken.count / self.seconds

    def goodput(self, *, skip: int = 0) -> float:
        """Return what was given a second, in whole seconds of asking, without the first few."""
        whole = self.taken_each_second[skip : max(skip + 1, int(self.seconds))]
        return sum(whole) / len(whole) if whole else 0.0


def joined(parts: Sequence[Played]) -> Played:
    """Return parts of one run as one: counts and seconds are added, of the times each is the worst of the parts."""
    first, *others = parts
    for other in others:
        said = {field.name: _joined(getattr(first, field.name), getattr(other, field.name)) for field in fields(Played)}
        first = Played(**said | {"began": first.began})
    return first


def _joined(one: Any, other: Any) -> Any:
    if isinstance(one, Times):
        return Times(one.count + other.count, *map(max, zip(astuple(one)[1:], astuple(other)[1:], strict=True)))
    if isinstance(one, dict):
        return dict(Counter(one) + Counter(other))
    return one + other


def build(folder: Path, name: str = "load", *words: str) -> Path:
    """Compile one of our C sources into ``folder``; raises ``Impossible`` without a compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise Impossible(
            "The load generator is written in C and no compiler is here. Install one: apt-get install gcc libc6-dev."
        )
    made = folder / name
    if not made.exists():
        source = SOURCE.with_name(f"{Path(name).stem}.c")
        subprocess.run([compiler, "-O2", "-Wall", *words, "-o", made, source], check=True)
    return made


@dataclass(frozen=True, slots=True)
class Load:
    """A plan and the way to send it."""

    plan: Path
    body: str
    connections: int = 64
    path: str = CLAIMS
    rate: float = 0
    seconds: float = 0
    patience: float = 0
    skip: int = 0
    count: int = 0
    history: Path | None = None

    def words(self, binary: Path, port: int) -> list[str]:
        """Return the command."""
        said: dict[str, Any] = {
            "-p": port, "-P": self.path, "-b": self.body, "-i": self.plan, "-c": self.connections,
            "-r": self.rate, "-d": self.seconds, "-t": self.patience, "-s": self.skip, "-n": self.count,
            "-o": self.history,
        }  # fmt: skip
        return [str(binary), *(str(word) for pair in said.items() if pair[1] for word in pair)]

    def play(self, folder: Path, port: int) -> Played:
        """Send it, and wait until everything is answered."""
        done = subprocess.run(self.words(build(folder), port), check=True, capture_output=True, text=True)
        said = json.loads(done.stdout)
        for kind in ("answered", "taken", "declined", "shed", "broken", "unknown"):
            said[kind] = Times(**said[kind])
        said["statuses"] = {int(status): count for status, count in said["statuses"].items()}
        return Played(**said)


def claim_body(offer: str) -> str:
    """Return the body of a claim, with a place for its key and its price."""
    return json.dumps({"offer": offer, "max_price": 0, "key": "%k"}, separators=(",", ":")).replace(":0,", ":%p,")


@dataclass(frozen=True, slots=True)
class Line:
    """One request of a plan."""

    who: int
    n: int
    key: str
    max_price: int


def write_plan(path: Path, lines: Iterable[Line], passes: Sequence[str]) -> Path:
    """Write a plan; ``passes[who - 1]`` is the pass of ``who``."""
    with path.open("w", encoding="ascii", buffering=1 << 20) as plan:
        plan.writelines(f"{one.who}\t{one.n}\t{one.key}\t{one.max_price}\t{passes[one.who - 1]}\n" for one in lines)
    return path


def read_history(*paths: Path) -> Iterator[Operation]:
    """Read histories back, as the judge takes them."""
    for path in paths:
        with path.open(encoding="ascii", newline="") as lines:
            for who, n, key, most, t0, t1, status, code, seat, price in list(csv.reader(lines))[1:]:
                yield Operation(
                    who=int(who), n=int(n), key=key, max_price=int(most), t0=float(t0), t1=float(t1),
                    status=int(status), code=code, seat=int(seat) if seat else None, price=int(price) if price else None,
                )  # fmt: skip
