"""Tasks that the tests of the outbox run: they write down that they ran."""

import os
import time
from pathlib import Path
from typing import Any

from django.tasks import TaskContext, task

from kaiying.outbox.actions import every, publish
from kaiying.wire import clock

EVERY_SECONDS = 60


@task
def note(text: str) -> None:
    """Tell the channel ``notes`` a text and the moment the task saw."""
    publish("tests.noted", channel="notes", text=text, seen=clock.now())


@task
def fail(text: str) -> None:
    """Fail."""
    raise ValueError(text)


@task(takes_context=True)
def count_attempts(context: "TaskContext[Any, Any]") -> None:
    """Tell which attempt this is."""
    publish("tests.attempted", channel="notes", attempt=context.attempt)


@task
def linger(journal: str, seconds: float) -> None:
    """Write ``begun`` and the process into a file, stay a while, write ``ended``."""
    with Path(journal).open("a", encoding="utf-8") as lines:
        lines.write(f"begun {os.getpid()}\n")
        lines.flush()
        time.sleep(seconds)
        lines.write(f"ended {os.getpid()}\n")


@every(EVERY_SECONDS)
@task
def chime() -> None:
    """Run once a minute."""
    publish("tests.chimed", channel="notes")
