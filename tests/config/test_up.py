"""The whole service, started as an operator starts it."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

LONGEST_START = 90


def answers(address: str) -> bool:
    """Tell whether an address answers well."""
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def until(met: Callable[[], bool], *, seconds: float, process: subprocess.Popen[bytes]) -> None:
    """Wait for something to become true while the service runs."""
    end = time.monotonic() + seconds
    while not met():
        assert process.poll() is None, "the service ended"
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def children_of(pid: int) -> dict[int, str]:
    """Return the children of a process and their command lines."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            command = (stat.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if parent == pid:
            found[int(stat.parent.name)] = command
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_service_starts_heals_itself_and_stops(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("KAIYING_", "DJANGO_"))}
    environment["KAIYING_DATA"] = str(tmp_path / "data")
    log = (tmp_path / "log").open("wb")
    up = [str(Path(sys.executable).with_name("kaiying")), "up", "--port", str(port)]
    service = subprocess.Popen(up, env=environment, stdout=log, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        until(lambda: answers(f"{address}/readyz"), seconds=LONGEST_START, process=service)
        assert f"{address}/owner/" in (tmp_path / "log").read_text()

        second = subprocess.run([*up[:-1], "1"], env=environment, capture_output=True, text=True, check=False)
        assert second.returncode == 1
        assert "already runs on this data folder" in second.stderr

        tree = children_of(service.pid)
        [web] = [pid for pid, command in tree.items() if "granian" in command]
        [tasks] = [pid for pid, command in tree.items() if "django work" in command]
        os.kill(web, signal.SIGKILL)
        os.kill(tasks, signal.SIGKILL)
        until(lambda: not {web, tasks} & set(children_of(service.pid)), seconds=20, process=service)
        until(lambda: len(children_of(service.pid)) == 2, seconds=20, process=service)
        until(lambda: answers(f"{address}/readyz"), seconds=LONGEST_START, process=service)

        left = [*children_of(service.pid), *(pid for child in children_of(service.pid) for pid in children_of(child))]
        service.send_signal(signal.SIGTERM)
        assert service.wait(timeout=16) == 0
        assert [pid for pid in left if Path(f"/proc/{pid}").exists()] == []
        assert not answers(f"{address}/healthz")
    finally:
        service.kill()
        service.wait()
        log.close()
