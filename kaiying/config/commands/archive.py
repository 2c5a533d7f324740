"""The file that ``backup`` writes and ``restore`` reads: a compressed tar whose last member is its manifest."""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from kaiying.config.commands import CannotGoOn

FORMAT = 1
MANIFEST = "manifest.json"
CHUNK = 1 << 20
BROKEN = "This backup is damaged"

type Report = Callable[[int], None]


class Counting(io.RawIOBase):
    """Reads a file through a checksum, so that what is archived is what is summed up."""

    def __init__(self, source: IO[bytes], report: Report) -> None:
        """Sum up ``source`` while it is read; ``report`` hears how many bytes went by."""
        super().__init__()
        self.source, self.report, self.digest = source, report, hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        """Read, and count."""
        data = self.source.read(size)
        self.digest.update(data)
        self.report(len(data))
        return data


class Writer:
    """Adds files to a new backup."""

    def __init__(self, tar: tarfile.TarFile, report: Report) -> None:
        """Write into ``tar``."""
        self.tar, self.report = tar, report
        self.files: dict[str, dict[str, Any]] = {}

    def add(self, path: Path, name: str) -> None:
        """Add one file under a name; one that vanished or grew meanwhile is left out or cut where it was."""
        try:
            with path.open("rb") as source:
                facts = os.fstat(source.fileno())
                member = tarfile.TarInfo(name)
                member.size, member.mtime, member.mode = facts.st_size, int(facts.st_mtime), facts.st_mode & 0o777
                counted = Counting(source, self.report)
                self.tar.addfile(member, counted)
        except FileNotFoundError:
            return
        self.files[name] = {"bytes": facts.st_size, "sha256": counted.digest.hexdigest()}

    def finish(self, facts: dict[str, Any]) -> None:
        """Write the manifest, which makes the backup whole."""
        text = json.dumps({"format": FORMAT, **facts, "files": self.files}, indent=1, ensure_ascii=False).encode()
        member = tarfile.TarInfo(MANIFEST)
        member.size = len(text)
        self.tar.addfile(member, io.BytesIO(text))


@contextmanager
def new(path: Path, report: Report) -> Iterator[Writer]:
    """Write a backup that appears under its name only when it is whole and on the disk."""
    draft = path.with_name(f".{path.name}.part")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            with tarfile.open(fileobj=file, mode="w:gz", compresslevel=3, format=tarfile.PAX_FORMAT) as tar:
                yield Writer(tar, report)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    finally:
        draft.unlink(missing_ok=True)


def _safe(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise CannotGoOn(f"{BROKEN}: it holds the path {name}.", "Use another backup.")
    return path


def unpack(path: Path, folder: Path, report: Report) -> dict[str, Any]:
    """Unpack a backup into an empty folder and return its manifest; every byte is checked on the way."""
    sums: dict[str, dict[str, Any]] = {}
    manifest: dict[str, Any] = {}
    try:
        with tarfile.open(path, mode="r|gz") as tar:
            for member in tar:
                source = tar.extractfile(member)
                if not member.isreg() or source is None:
                    raise CannotGoOn(f"{BROKEN}: {member.name} is not a plain file.", "Use another backup.")
                if member.name == MANIFEST:
                    manifest = json.loads(source.read())
                    continue
                target = folder.joinpath(*_safe(member.name).parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                digest, count = hashlib.sha256(), 0
                with target.open("xb") as file:
                    target.chmod(member.mode & 0o777)
                    while data := source.read(CHUNK):
                        file.write(data)
                        digest.update(data)
                        count += len(data)
                        report(len(data))
                    os.fsync(file.fileno())
                sums[member.name] = {"bytes": count, "sha256": digest.hexdigest()}
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise CannotGoOn(f"{BROKEN}: {error}.", "Use another backup.") from error
    if not manifest:
        raise CannotGoOn(f"{BROKEN}: it ends too early, its manifest is missing.", "Use another backup.")
    if manifest.get("format") != FORMAT:
        raise CannotGoOn("This backup was made by a newer Kaiying.", "Upgrade Kaiying first.")
    wrong = sorted(
        name for name in sums.keys() | manifest["files"].keys() if sums.get(name) != manifest["files"].get(name)
    )
    if wrong:
        raise CannotGoOn(f"{BROKEN}: {', '.join(wrong[:5])} differs from its checksum.", "Use another backup.")
    return manifest
