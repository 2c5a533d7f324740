"""One service per data folder: a file lock that lives as long as any process of the tree."""

import fcntl
import os
import time
from pathlib import Path

FOLDER = "run"


class Busy(Exception):
    """Somebody else holds the lock."""


def take(data: Path, *, patience: float = 0) -> int:
    """Lock the data folder and return the file descriptor that holds it; raises ``Busy`` after ``patience`` seconds.

    Children inherit the descriptor, so the lock outlives a killed parent for as long as its children serve.
    """
    folder = data / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / "kaiying.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                os.close(handle)
                raise Busy(str(folder)) from None
            time.sleep(0.1)
        else:
            os.ftruncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
            return handle
