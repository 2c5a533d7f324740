"""Rings reach who listens, in this process and in others, and one that is lost does no harm."""

import os
import shutil
import subprocess
import sys
import threading
import time

import pytest

from kaiying.wire.bus import Bus
from kaiying.wire.bus_postgres import Postgres
from kaiying.wire.bus_redis import Redis, RedisRefused

POSTGRES = os.environ.get("KAIYING_TEST_POSTGRES") or "postgresql://postgres@127.0.0.1:5432/postgres"


class Hearer:
    """Counts rings."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self._heard = threading.Condition()

    def __call__(self) -> None:
        with self._heard:
            self.times.append(time.monotonic())
            self._heard.notify_all()

    def wait(self, count: int, *, seconds: float = 5) -> bool:
        with self._heard:
            return self._heard.wait_for(lambda: len(self.times) >= count, seconds)


class Broken:
    """Carries nothing, the first time."""

    def __init__(self) -> None:
        self.sent, self.closed = 0, 0

    def send(self) -> None:
        self.sent += 1
        if self.sent == 1:
            raise ConnectionResetError

    def receive(self, wake, *, stop) -> None:
        raise ConnectionRefusedError

    def close(self) -> None:
        self.closed += 1


def postgres():
    psycopg = pytest.importorskip("psycopg", reason="the driver of PostgreSQL is not installed")
    try:
        psycopg.connect(POSTGRES, connect_timeout=3).close()
    except psycopg.OperationalError:
        pytest.skip("PostgreSQL does not answer")
    return Postgres(lambda: {"conninfo": POSTGRES})


@pytest.fixture(scope="module")
def redis_port(tmp_path_factory):
    """Return the port of a Redis of our own that wants a password."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        pytest.skip("neither Redis nor Valkey is installed")
    port = 20_000 + os.getpid() % 10_000
    words = [
        program,
        "--port",
        str(port),
        "--requirepass",
        "p@ss",
        "--save",
        "",
        "--dir",
        str(tmp_path_factory.mktemp("redis")),
    ]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 5
    while True:
        trial = Redis(f"redis://:p%40ss@127.0.0.1:{port}", channel="try")
        try:
            trial.send()
            trial.close()
            break
        except ConnectionError:
            assert time.monotonic() < until
            time.sleep(0.05)
    yield port
    server.terminate()
    server.wait()


@pytest.fixture(params=["postgres", "redis"])
def carriers(request):
    """Return two carriers of the same rings, as two processes have them."""
    if request.param == "postgres":
        return postgres(), postgres()
    url = f"redis://:p%40ss@127.0.0.1:{request.getfixturevalue('redis_port')}"
    return Redis(url, channel="t"), Redis(url, channel="t")


def test_without_a_carrier_a_ring_is_heard_in_this_process_at_once():
    bus, one, two = Bus(), Hearer(), Hearer()
    leave = bus.listen(one)
    bus.listen(two)

    bus.ring()
    leave()
    bus.ring()

    assert (len(one.times), len(two.times)) == (1, 2)
    assert not bus.is_up


@pytest.mark.figures
def test_a_ring_is_heard_in_another_process(carriers):
    here, there = (Bus(carrier) for carrier in carriers)
    heard = Hearer()
    leave = there.listen(heard)
    assert heard.wait(1), "once when connected, for what came before"
    assert there.is_up
    delays = []
    for round_ in range(20):
        began = time.monotonic()
        here.ring()
        assert heard.wait(2 + round_)
        delays.append(heard.times[-1] - began)
        time.sleep(0.03)

    leave()
    assert len(heard.times) == 21
    assert not there.is_up
    print(
        f"{type(carriers[0]).__name__}: heard after {sorted(delays)[10] * 1000:.1f} ms (median of 20), at most {max(delays) * 1000:.1f}"
    )
    close(here)


def test_a_thousand_rings_at_once_become_a_few(carriers):
    here, there = (Bus(carrier) for carrier in carriers)
    heard = Hearer()
    leave = there.listen(heard)
    assert heard.wait(1)

    for _ in range(1000):
        here.ring()
    time.sleep(0.3)

    leave()
    assert 2 <= len(heard.times) <= 4
    close(here)


def test_who_listens_can_stop_at_once(carriers):
    bus, heard = Bus(carriers[0]), Hearer()
    leave = bus.listen(heard)
    assert heard.wait(1)
    began = time.monotonic()

    leave()

    assert time.monotonic() - began < 0.5
    assert [thread.name for thread in threading.enumerate() if thread.name == "bus-ear"] == []


def test_a_connection_that_was_cut_is_made_again(monkeypatch):
    monkeypatch.setattr("kaiying.wire.bus.PAUSE", 0.05)
    carrier = postgres()
    import psycopg

    here, there, heard = Bus(postgres()), Bus(carrier), Hearer()
    leave = there.listen(heard)
    assert heard.wait(1)
    with psycopg.connect(POSTGRES, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN kaiying%' AND pid <> pg_backend_pid()"
        )
    assert heard.wait(2), "again when connected anew"

    here.ring()

    assert heard.wait(3)
    leave()
    close(here)


def test_a_carrier_that_fails_harms_nobody_and_is_tried_again(monkeypatch, caplog):
    monkeypatch.setattr("kaiying.wire.bus.PAUSE", 0.01)
    broken = Broken()
    bus = Bus(broken)
    leave = bus.listen(lambda: None)

    bus.ring()
    time.sleep(0.1)
    bus.ring()
    time.sleep(0.1)

    leave()
    assert (broken.sent, broken.closed) == (2, 1)
    assert not bus.is_up
    assert {record.message for record in caplog.records} == {
        "News of others is not heard; looking for it instead.",
        "Others cannot be told that there is news; they look by themselves.",
    }


def test_a_wrong_password_is_said(redis_port):
    with pytest.raises(RedisRefused, match="WRONGPASS"):
        Redis(f"redis://:wrong@127.0.0.1:{redis_port}", channel="t").send()


def test_ringing_needs_no_driver_until_it_rings():
    code = "import sys; import kaiying.wire.bus_postgres, kaiying.wire.bus_redis; sys.exit('psycopg' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def close(bus: Bus) -> None:
    time.sleep(0.05)
    bus._carrier.close()
