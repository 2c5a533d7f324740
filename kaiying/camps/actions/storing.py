"""Put files below the media root: whole or not at all, and never twice."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from django.conf import settings


def store_files(files: Mapping[str, Path]) -> int:
    """Copy each file to its stored path if it is not there yet; return how many were copied.

    Paths are named by content, so a file that is there is the right one. A reader sees all of it or nothing.
    """
    copied = 0
    for name, source in files.items():
        target = Path(settings.MEDIA_ROOT) / name
        if target.exists() and target.stat().st_size == source.stat().st_size:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        put(source, target)
        copied += 1
    return copied


def put(source: Path, target: Path) -> None:
    """Copy one file into place atomically and durably."""
    handle, draft = tempfile.mkstemp(prefix=".draft-", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as out, source.open("rb") as file:
            shutil.copyfileobj(file, out, 1024 * 1024)
            out.flush()
            os.fsync(out.fileno())
        Path(draft).chmod(0o644)
        Path(draft).replace(target)
    finally:
        Path(draft).unlink(missing_ok=True)
