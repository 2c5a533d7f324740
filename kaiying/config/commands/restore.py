"""``kaiying restore``: bring a backup back, after every byte of it was checked."""

import argparse
import os
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kaiying.config.commands import CannotGoOn, archive, databases, lock
from kaiying.config.commands.environment import read_env
from kaiying.config.commands.screen import console, progress
from kaiying.config.env import Env


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``restore``."""
    parser.add_argument("file", type=Path, help="a file that kaiying backup wrote")
    parser.add_argument("--force", action="store_true", help="replace the data that is here; the old folder is kept")


def run(options: argparse.Namespace) -> int:
    """Check first, then replace."""
    env, path = read_env(), options.file.expanduser().resolve()
    if not path.is_file():
        raise CannotGoOn(f"There is no file {path}.", "Give the file that kaiying backup wrote.")
    try:
        held = lock.take(env.data)
    except lock.Busy:
        raise CannotGoOn("Kaiying runs on this data folder.", "Stop it first; a restore replaces everything.") from None
    try:
        if not options.force and _is_used(env):
            raise CannotGoOn("There is data here already.", "Add --force to replace it; the old folder is kept beside.")
        _replace(env, path)
    finally:
        os.close(held)
    return 0


def _replace(env: Env, path: Path) -> None:
    """Unpack beside the data, check, and only then put it in its place."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    staging = env.data.with_name(f"{env.data.name}.restoring-{stamp}")
    staging.mkdir(mode=0o700, parents=True)
    try:
        manifest = _unpack(path, staging)
        _check(env, manifest, staging)
        if env.database_url:
            with console.status("Loading the database …"):
                databases.load_postgres(env.database_url, staging / databases.POSTGRES_NAME)
            (staging / databases.POSTGRES_NAME).unlink()
        kept = swap(env.data, staging, stamp=stamp)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    if {entry.name for entry in kept.iterdir()} <= {lock.FOLDER}:
        shutil.rmtree(kept)  # there was nothing here before
    before = f" What was here before is in {kept}." if kept.exists() else ""
    rows, files = sum(manifest["counts"].values()), len(manifest["files"]) - 1
    console.print(
        f"[green]✓[/green] Restored {rows} rows and {files} files of {manifest['made_at']}.{before}\n"
        "  Start again with [bold]kaiying up[/bold].",
        soft_wrap=True,
    )


def _is_used(env: Env) -> bool:
    if env.database_url:
        return databases.postgres_is_used(env.database_url)
    return (env.data / databases.SQLITE_NAME).exists()


def _unpack(path: Path, staging: Path) -> dict[str, Any]:
    with progress() as bar:
        checking = bar.add_task("Unpacking and checking", total=None)
        return archive.unpack(path, staging, lambda count: bar.advance(checking, count))


def _check(env: Env, manifest: dict[str, Any], staging: Path) -> None:
    """Refuse a backup of another kind, and one whose rows are not those that were counted."""
    wanted = "postgresql" if env.database_url else "sqlite"
    if manifest["database"] != wanted:
        todo = "Restore it where the same kind of database is used; see self-hosting, moving to PostgreSQL."
        raise CannotGoOn(f"This backup holds {manifest['database']}, this install uses {wanted}.", todo)
    if wanted == "sqlite" and databases.examine_sqlite_file(staging / databases.SQLITE_NAME) != manifest["counts"]:
        raise CannotGoOn(f"{archive.BROKEN}: its tables have other numbers of rows.", "Use another backup.")


def swap(data: Path, staging: Path, *, stamp: str) -> Path:
    """Put the new folder in the place of the old one, and return where the old one is kept."""
    kept = data.with_name(f"{data.name}.before-restore-{stamp}")
    try:
        data.rename(kept)
    except OSError:
        return _swap_inside(data, staging, stamp=stamp)  # a mounted volume cannot be renamed
    try:
        staging.rename(data)
    except OSError:
        kept.rename(data)
        raise
    with suppress(OSError):
        handle = os.open(data.parent, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)
    return kept


def _swap_inside(data: Path, staging: Path, *, stamp: str) -> Path:
    kept = data / f".before-restore-{stamp}"
    kept.mkdir(mode=0o700)
    for entry in [path for path in data.iterdir() if ".before-restore-" not in path.name and path.name != lock.FOLDER]:
        entry.rename(kept / entry.name)
    for entry in staging.iterdir():
        shutil.move(entry, data / entry.name)
    # What was prepared belonged to the old data.
    (data / lock.FOLDER / "prepared.json").unlink(missing_ok=True)
    return kept
