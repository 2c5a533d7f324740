"""Print how many beats become durable per second, and what group commit is worth.

    .venv/bin/python bench/gate_beats.py [--seconds 8] [--connections 64] [--learners 2000]

Three servers, one after another, each one granian worker on a database of its own (SQLite, synchronous=FULL):

- empty: the cheapest POST this server can answer, for the ratio;
- one by one: every request is a transaction of its own, in eight threads, as a plain view would do it;
- batched: what ships, group commit in one thread.

An answer counts only if the database holds its beat afterwards. Ratios carry over to other machines, figures do not.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PORT = 8479
THREADS = 8
OK = b"HTTP/1.1 200"

os.environ.setdefault("KAIYING_SECRET_KEY", "only-for-the-benchmark-never-for-a-real-install")


def serve() -> Callable[..., Awaitable[None]]:
    """Build the application that the environment asks for (granian's factory)."""
    mode = os.environ["BENCH_MODE"]
    if mode == "empty":
        return _empty
    _django()
    from kaiying.gate.asgi import Gate

    gate = Gate(pages=_empty, assets=_empty)
    if mode == "one by one":
        gate.beats.batcher = _OneByOne()  # type: ignore[assignment]
    return gate


async def _empty(_scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"{}"})


class _OneByOne:
    """Stand where the batcher stands, without batches."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS)

    async def ask(self, beats: Any) -> Any:
        from kaiying.gate.beats import commit

        return (await asyncio.get_running_loop().run_in_executor(self._pool, commit, [beats]))[0]


def _django() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "kaiying.config.settings"
    sys.path.insert(0, str(ROOT))
    import django

    django.setup()


def prepare(learners: int) -> None:
    """Make a database with one open lesson and its class; print the requests to send."""
    _django()
    from django.core.management import call_command

    from kaiying.learning.models import Enrollment
    from kaiying.people.models import User
    from kaiying.wire import clock
    from kaiying.wire.entry import COOKIE, entry_pass
    from tests.factories.camps import CohortFactory, DayFactory, LessonFactory

    call_command("migrate", verbosity=0, skip_checks=True)
    begun = clock.now() - timedelta(days=2)
    cohort = CohortFactory(starts_on=begun.date())
    DayFactory(camp=cohort.camp, number=1)
    lesson = LessonFactory(camp=cohort.camp, length=3600)
    people = User.objects.bulk_create(User(email=f"l{n}@example.org", password="!") for n in range(learners))  # noqa: S106 — nobody has one
    Enrollment.objects.bulk_create(Enrollment(cohort=cohort, learner=one, enrolled_at=begun) for one in people)
    json.dump([lesson.pk, [f"{COOKIE}={entry_pass(one.pk)}" for one in people]], sys.stdout)


def count() -> None:
    """Print how many beats the database holds."""
    _django()
    from kaiying.outbox.models import Event

    print(Event.objects.filter(name="learning.progress_merged").count())


def _requests(lesson: int, cookies: list[str]) -> Iterator[bytes]:
    """Yield a round of beats of ten seconds from everyone, then the next ten seconds."""
    for start in range(0, 3600, 10):
        spans = [[start, start + 10]]
        body = json.dumps({"device": "bench", "beats": [{"lesson": lesson, "spans": spans, "position": start + 10}]})
        for cookie in cookies:
            yield (
                f"POST /gate/beats HTTP/1.1\r\nHost: 127.0.0.1:{PORT}\r\nOrigin: http://127.0.0.1:{PORT}\r\n"
                f"Content-Type: application/json\r\nCookie: {cookie}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
            ).encode()


async def _load(requests: Iterator[bytes], *, connections: int, seconds: float) -> tuple[int, int, list[float]]:
    """Send for so long over so many connections; returns answers that were fine, others, and times."""
    end = time.monotonic() + seconds
    times: list[float] = []
    bad = 0

    async def one() -> None:
        nonlocal bad
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        while (begun := time.monotonic()) < end:
            writer.write(next(requests))
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.split(b":")[1]))
            if head.startswith(OK):
                times.append(time.monotonic() - begun)
            else:
                bad += 1
        writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    return len(times), bad, sorted(times)


def _ask(call: str, data: str) -> str:
    environment = os.environ | {"KAIYING_DATA": data, "PYTHONPATH": f"{ROOT}:{ROOT / 'bench'}"}
    command = [sys.executable, "-c", f"import gate_beats; gate_beats.{call}"]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def measure(mode: str, *, connections: int, seconds: float, learners: int) -> tuple[float, float, float, int, int]:
    """Run one server; returns answers a second, median and p99 in ms, refusals, and answers that are not in the database."""
    with tempfile.TemporaryDirectory(prefix="kaiying-bench-") as data:
        lesson, cookies = json.loads(_ask(f"prepare({learners})", data))
        environment = os.environ | {"KAIYING_DATA": data, "BENCH_MODE": mode, "PYTHONPATH": f"{ROOT}:{ROOT / 'bench'}"}
        command = ["granian", "--interface", "asginl", "--port", str(PORT), "--no-ws", "--factory", "gate_beats:serve"]
        command = [str(Path(sys.executable).with_name("granian")), *command[1:], "--log-level", "error"]
        server = subprocess.Popen(command, env=environment)
        try:
            _wait()
            asyncio.run(_load(_requests(lesson, cookies[:50]), connections=8, seconds=0.5))
            before = int(_ask("count()", data))
            round_ = _load(_requests(lesson, cookies[50:]), connections=connections, seconds=seconds)
            good, bad, times = asyncio.run(round_)
        finally:
            server.terminate()
            server.wait()
        held = int(_ask("count()", data)) - before
        lost = 0 if mode == "empty" else good - held
        return good / seconds, times[len(times) // 2] * 1000, times[int(len(times) * 0.99)] * 1000, bad, lost


def _wait() -> None:
    for _ in range(200):
        try:
            asyncio.run(
                _load(
                    iter([b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"] * 2), connections=1, seconds=0.001
                )
            )
        except OSError:
            time.sleep(0.1)
        else:
            return
    message = "the server did not come up"
    raise SystemExit(message)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--learners", type=int, default=2000)
    options = vars(parser.parse_args())
    print(f"{'':<12}{'answers/s':>11}{'of empty':>10}{'median ms':>11}{'p99 ms':>9}{'refused':>9}{'not durable':>13}")
    empty = 0.0
    for mode in ("empty", "one by one", "batched"):
        rate, median, p99, bad, lost = measure(mode, **options)
        empty = empty or rate
        print(f"{mode:<12}{rate:>11.0f}{rate / empty:>10.3f}{median:>11.1f}{p99:>9.1f}{bad:>9}{lost:>13}")


if __name__ == "__main__":
    main()
