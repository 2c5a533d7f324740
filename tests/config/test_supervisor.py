"""The tree heals itself, and stops when told."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import pytest

from kaiying.config.commands import lock, supervisor
from kaiying.config.commands.supervisor import Child, Supervisor

SERVE = """
import pathlib, signal, sys, time
journal = pathlib.Path(sys.argv[1])
def write(word):
    with journal.open("a") as lines: lines.write(word + "\\n")
signal.signal(signal.SIGTERM, lambda *_: (write("asked to stop"), sys.exit(0)))
signal.signal(signal.SIGHUP, lambda *_: write("asked to reload"))
write("started")
time.sleep(60)
"""
STUBBORN = """
import pathlib, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
pathlib.Path(sys.argv[1]).write_text(f"{left.pid}\\n")
time.sleep(60)
"""


def until(met: Callable[[], bool], *, seconds: float = 20) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Tell whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def child(code: str, journal: Path) -> Child:
    return Child("Child", [sys.executable, "-c", code, str(journal)], signal.SIGHUP)


@contextmanager
def running(*children: Child, while_running: Callable[[Supervisor], None], said: list[str]):
    """Run a supervisor here, where signals arrive, and something else beside it."""
    tree = Supervisor(children, environment=os.environ, say=said.append)
    failures: list[BaseException] = []

    def beside() -> None:
        try:
            while_running(tree)
        except BaseException as error:  # noqa: BLE001 — reported below
            failures.append(error)
        tree.stopping = True

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    thread = threading.Thread(target=beside)
    thread.start()
    try:
        tree.run(when_started=lambda: True)
        thread.join()
        for failure in failures:
            raise failure
        yield
    finally:
        for each in children:
            each.kill_group()
        for number, handler in before.items():
            signal.signal(number, handler)


def lines(journal: Path) -> list[str]:
    return journal.read_text().splitlines() if journal.exists() else []


def test_a_killed_child_starts_again(tmp_path):
    journal, said = tmp_path / "journal", []
    each = child(SERVE, journal)

    def kill(_tree: Supervisor) -> None:
        until(lambda: lines(journal) == ["started"])
        os.kill(each.process.pid, signal.SIGKILL)
        until(lambda: lines(journal) == ["started", "started"])

    with running(each, while_running=kill, said=said):
        assert lines(journal) == ["started", "started", "asked to stop"]
        assert "by signal 9" in said[0]


def test_a_child_that_keeps_failing_is_started_less_and_less_often(monkeypatch, tmp_path):
    monkeypatch.setattr(supervisor, "FIRST_PAUSE", 0.05)
    said: list[str] = []
    each = Child("Child", [sys.executable, "-c", "raise SystemExit(3)"], signal.SIGHUP, pause=0.05)

    with running(each, while_running=lambda _tree: until(lambda: len(said) >= 4), said=said):
        pauses = [float(text.rpartition(" in ")[2].split()[0]) for text in said if "ended" in text]
        assert pauses[:4] == [0.1, 0.1, 0.2, 0.4]
        assert "with status 3" in said[0]


def test_a_reload_reaches_the_child(tmp_path):
    journal, said = tmp_path / "journal", []

    def reload(_tree: Supervisor) -> None:
        until(lambda: lines(journal) == ["started"])
        os.kill(os.getpid(), signal.SIGHUP)
        until(lambda: "asked to reload" in lines(journal))

    with running(child(SERVE, journal), while_running=reload, said=said):
        assert lines(journal) == ["started", "asked to reload", "asked to stop"]


def test_a_child_that_is_replaced_at_a_reload_starts_again_at_once(tmp_path):
    journal, said = tmp_path / "journal", []
    each = Child("Child", [sys.executable, "-c", SERVE, str(journal)], signal.SIGTERM, pause=600)

    def reload(_tree: Supervisor) -> None:
        until(lambda: lines(journal) == ["started"])
        os.kill(os.getpid(), signal.SIGHUP)
        until(lambda: lines(journal)[:3] == ["started", "asked to stop", "started"])

    with running(each, while_running=reload, said=said):
        assert said == ["Reloading: new processes take over one by one.", "Stopping."]


def test_who_does_not_stop_is_ended_with_all_it_started(monkeypatch, tmp_path):
    monkeypatch.setattr(supervisor, "STOP_SECONDS", 0.4)
    journal, said = tmp_path / "journal", []
    each = child(STUBBORN, journal)

    with running(each, while_running=lambda _tree: until(lambda: bool(lines(journal))), said=said):
        until(lambda: not is_alive(int(lines(journal)[0])))
        assert "did not stop" in said[-1]


def test_a_data_folder_is_served_once(tmp_path):
    held = lock.take(tmp_path)

    with pytest.raises(lock.Busy):
        lock.take(tmp_path)

    os.close(held)
    os.close(lock.take(tmp_path))


def test_the_lock_outlives_a_killed_parent_while_its_children_serve(tmp_path):
    code = (
        "import os, subprocess, sys, pathlib; from kaiying.config.commands import lock;"
        "held = lock.take(pathlib.Path(sys.argv[1]));"
        "subprocess.Popen([sys.executable, '-c', 'input()'], pass_fds=[held]); os.kill(os.getpid(), 9)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE)
    assert parent.wait(timeout=20) == -signal.SIGKILL
    with pytest.raises(lock.Busy):
        lock.take(tmp_path)

    parent.stdin.close()

    os.close(lock.take(tmp_path, patience=5))
