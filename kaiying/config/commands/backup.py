"""``kaiying backup``: everything in one file, while the service runs."""

import argparse
import importlib.metadata
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from kaiying.config.commands import CannotGoOn, archive, databases
from kaiying.config.commands.environment import read_env
from kaiying.config.commands.screen import console, progress, size
from kaiying.config.env import Env

# Made again at the next start, or of no use elsewhere.
LEFT_OUT = {"static", "run", "cache"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``backup``."""
    parser.add_argument("file", nargs="?", type=Path, help="where to write (default kaiying-DATE-TIME.tar.gz here)")
    parser.add_argument("--force", action="store_true", help="write over an existing file")


def run(options: argparse.Namespace) -> int:
    """Write the backup, and say what is in it."""
    env = read_env()
    made_at = datetime.now(UTC)
    path: Path = (options.file or Path(f"kaiying-{made_at:%Y%m%d-%H%M%S}.tar.gz")).expanduser().resolve()
    if path.exists() and not options.force:
        raise CannotGoOn(f"{path} exists.", "Choose another name, or add --force to write over it.")
    if not path.parent.is_dir():
        raise CannotGoOn(f"There is no folder {path.parent}.", "Make it first.")
    if env.data in path.parents:
        raise CannotGoOn("A backup inside the data folder would back itself up.", "Choose another folder.")
    begun = datetime.now(UTC)
    counts, files = write(env, path, made_at=made_at)
    seconds = (datetime.now(UTC) - begun).total_seconds()
    console.print(
        f"[green]✓[/green] {path}  {size(path.stat().st_size)}, {sum(counts.values())} rows in {len(counts)} tables, "
        f"{files} files, {seconds:.1f} s",
        soft_wrap=True,
    )
    return 0


def write(env: Env, path: Path, *, made_at: datetime) -> tuple[databases.Counts, int]:
    """Write a backup of database and files; the database first, so that every file it names is there."""
    with tempfile.TemporaryDirectory(prefix=".kaiying-backup-", dir=path.parent) as folder, progress() as bar:
        copying = bar.add_task("Copying the database", total=None)
        if env.database_url:
            copy = Path(folder) / databases.POSTGRES_NAME
            counts = databases.copy_postgres(env.database_url, copy)
        else:
            source, copy = env.data / databases.SQLITE_NAME, Path(folder) / databases.SQLITE_NAME
            if not source.exists():
                raise CannotGoOn(f"There is nothing to back up in {env.data}.", "Set KAIYING_DATA to the data folder.")
            counts = databases.copy_sqlite(
                source, copy, lambda done, total: bar.update(copying, completed=done, total=total)
            )
        bar.update(copying, completed=1, total=1)
        paths = list(_files(env))
        total = sum(path.stat().st_size for path in paths) + copy.stat().st_size
        packing = bar.add_task("Packing", total=total)
        with archive.new(path, lambda count: bar.advance(packing, count)) as backup:
            backup.add(copy, copy.name)
            for each in paths:
                backup.add(each, each.relative_to(env.data).as_posix())
            backup.finish(
                {
                    "version": importlib.metadata.version("kaiying"),
                    "made_at": made_at.isoformat(timespec="seconds"),
                    "database": "postgresql" if env.database_url else "sqlite",
                    "counts": counts,
                }
            )
        return counts, len(paths)


def _files(env: Env) -> Iterator[Path]:
    """Every file of the data folder but the database itself and what is made again."""
    for folder, folders, names in os.walk(env.data):
        here = Path(folder)
        if here == env.data:
            folders[:] = [name for name in folders if name not in LEFT_OUT and ".before-restore-" not in name]
            names = [name for name in names if not name.startswith(databases.SQLITE_NAME)]  # noqa: PLW2901
        yield from (here / name for name in sorted(names) if (here / name).is_file() and not (here / name).is_symlink())
