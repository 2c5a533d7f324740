"""Files under one root, opened without ever leaving it, and read away from the loop."""

import asyncio
import os
import stat
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from kaiying.wire.media import is_plain

CHUNK = 64 * 1024
READERS = 8
_readers = ThreadPoolExecutor(READERS, thread_name_prefix="media")


@dataclass(frozen=True, slots=True)
class OpenFile:
    """An open regular file and what its headers need."""

    fd: int
    size: int
    modified: datetime
    etag: str

    @classmethod
    def open(cls, root: Path, path: str) -> Self | None:
        """Open ``path`` below ``root``; ``None`` if it is not there, not a plain file, or reached through a link.

        Each part is opened from the folder before it without following links, so no link can lead out, not even one
        made between a check and the opening.
        """
        if not is_plain(path):
            return None
        *folders, name = path.split("/")
        at = -1
        try:
            at = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            for folder in folders:
                inner = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
                os.close(at)
                at = inner
            fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at)
        except OSError:
            return None
        finally:
            if at >= 0:
                os.close(at)
        facts = os.fstat(fd)
        if not stat.S_ISREG(facts.st_mode):
            os.close(fd)
            return None
        modified = datetime.fromtimestamp(int(facts.st_mtime), UTC)
        return cls(fd, facts.st_size, modified, f'"{facts.st_size:x}-{facts.st_mtime_ns:x}-{facts.st_ino:x}"')

    async def read(self, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """Yield the bytes from ``start`` to before ``stop`` in chunks; ends early if the file was cut short."""
        loop = asyncio.get_running_loop()
        while start < stop:
            chunk = await loop.run_in_executor(_readers, os.pread, self.fd, min(CHUNK, stop - start), start)
            if not chunk:
                return
            start += len(chunk)
            yield chunk

    def close(self) -> None:
        """Give the file back."""
        os.close(self.fd)


async def open_file(root: Path, path: str) -> OpenFile | None:
    """Open a file without blocking the loop; see ``OpenFile.open``."""
    return await asyncio.get_running_loop().run_in_executor(_readers, OpenFile.open, root, path)
