"""Keep a few processes running: start, restart with growing pauses, stop politely and then firmly."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
STEADY_SECONDS = 60.0
STOP_SECONDS = 15.0
LOOK_SECONDS = 0.1
PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    """Ask Linux to stop this process politely when the supervisor is killed; elsewhere there is no such thing."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Child:
    """A process that must run: its command, and how its last start went."""

    name: str
    command: Sequence[str]
    reload_signal: signal.Signals
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    pause: float = FIRST_PAUSE
    expected: bool = field(default=False)

    def start(self, *, environment: Mapping[str, str], keep: Sequence[int]) -> None:
        """Start in a process group of its own, so that what it starts can be ended with it."""
        self.process = subprocess.Popen(  # noqa: S603 — our own command
            self.command,
            env=environment,
            pass_fds=keep,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 — we have no threads
        )
        self.started_at, self.expected = time.monotonic(), False

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)

    def kill_group(self) -> None:
        """End the process and whatever it left behind."""
        if self.process:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Supervisor:
    """Runs children until told to stop."""

    def __init__(
        self,
        children: Sequence[Child],
        *,
        environment: Mapping[str, str],
        keep: Sequence[int] = (),
        say: Callable[[str], None],
    ) -> None:
        """Take the children to run; ``keep`` are file descriptors they inherit, ``say`` tells the operator."""
        self.children, self.environment, self.keep, self.say = children, environment, keep, say
        self.stopping = self.reloading = False

    def run(self, *, when_started: Callable[[], bool]) -> int:
        """Start everything and keep it running; ``when_started`` is asked until it says that it needs no more."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, self._reload)
        for child in self.children:
            child.start(environment=self.environment, keep=self.keep)
        asked = False
        while not self.stopping:
            asked = asked or when_started()
            if self.reloading:
                self._reload_all()
            for child in self.children:
                self._look_after(child)
            time.sleep(LOOK_SECONDS if asked else LOOK_SECONDS / 4)
        return self._end()

    def _stop(self, _number: int, _frame: object) -> None:
        self.stopping = True

    def _reload(self, _number: int, _frame: object) -> None:
        self.reloading = True

    def _reload_all(self) -> None:
        self.reloading = False
        self.say("Reloading: new processes take over one by one.")
        for child in self.children:
            child.expected = child.reload_signal == signal.SIGTERM
            child.send(child.reload_signal)

    def _look_after(self, child: Child) -> None:
        """Restart a child that ended: at once after a reload, else after a pause that grows while it keeps failing."""
        now = time.monotonic()
        if child.process is None:
            if now >= child.start_at:
                child.start(environment=self.environment, keep=self.keep)
            return
        status = child.process.poll()
        if status is None:
            if now - child.started_at > STEADY_SECONDS:
                child.pause = FIRST_PAUSE
            return
        child.kill_group()
        child.process = None
        if child.expected:
            child.start_at = now
            return
        how = f"by signal {-status}" if status < 0 else f"with status {status}"
        self.say(f"[yellow]{child.name} ended {how}; it starts again in {child.pause:.1f} s.[/yellow]")
        child.start_at = now + child.pause
        child.pause = min(child.pause * 2, LONGEST_PAUSE)

    def _end(self) -> int:
        """Ask every child to stop, wait, and end what is left."""
        self.say("Stopping.")
        for child in self.children:
            child.send(signal.SIGTERM)
        until = time.monotonic() + STOP_SECONDS
        left = [child for child in self.children if child.process]
        while left and time.monotonic() < until:
            left = [child for child in left if child.process and child.process.poll() is None]
            time.sleep(0.02)
        for child in left:
            self.say(f"[yellow]{child.name} did not stop in {STOP_SECONDS:.0f} s and is ended.[/yellow]")
        for child in self.children:
            child.kill_group()
        return 0
