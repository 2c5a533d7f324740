"""The ``kaiying`` command line: what an operator types."""

import argparse
import difflib
import importlib
import importlib.metadata
import os
import sys
from collections.abc import Sequence

from kaiying.config import sqlite
from kaiying.config.commands import COMMANDS, CannotGoOn, Command

SEE = "see [bold]kaiying --help[/bold]"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 is well, 1 a problem that was explained, 2 a misunderstanding, 130 stopped by the keyboard."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kaiying.config.settings")
    sqlite.use_safe_sqlite()
    if not words or words[0] in {"-h", "--help", "help"}:
        _overview()
        return 0
    if words[0] in {"-V", "--version"}:
        print(f"kaiying {importlib.metadata.version('kaiying')}")
        return 0
    command = COMMANDS.get(words[0])
    return _run(command, words[0], words[1:]) if command else _unknown(words[0])


def _run(command: Command, name: str, words: list[str]) -> int:
    """Run a command; what stops it is explained in a sentence, not in a traceback."""
    try:
        return _call(command, name, words)
    except CannotGoOn as problem:
        return _explain(problem)
    except OSError as error:
        return _explain(CannotGoOn(f"{error.strerror or error}: {error.filename or name}"))
    except KeyboardInterrupt:
        return 130


def _call(command: Command, name: str, words: list[str]) -> int:
    module = importlib.import_module(command.module)
    parser = argparse.ArgumentParser(
        prog=f"kaiying {name}", description=command.help, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.epilog = command.more
    module.arguments(parser)
    # What a command passes on to a room's own command is read there.
    ours = len(words) if command.reads is None else command.reads
    options = parser.parse_args(words[:ours])
    options.rest = words[ours:]
    status: int = module.run(options)
    return status


def _overview() -> None:
    from rich.console import Console  # noqa: PLC0415 — a start of the service draws nothing and should not wait for it
    from rich.table import Table  # noqa: PLC0415

    console = Console()
    console.print("\n[bold]Kaiying[/bold] sells out, runs and grows cohort-based training camps.\n")
    console.print("[dim]Usage:[/dim] kaiying [bold]COMMAND[/bold] [OPTIONS]\n")
    table = Table(box=None, show_header=False, padding=(0, 3, 0, 2))
    table.add_column(style="bold cyan", no_wrap=True)
    table.add_column()
    for name, command in COMMANDS.items():
        table.add_row(name, command.help)
    console.print(table)
    console.print("\n[dim]kaiying COMMAND --help tells more; settings are KAIYING_… variables.[/dim]\n")


def _unknown(word: str) -> int:
    near = difflib.get_close_matches(word, COMMANDS, n=1, cutoff=0.4)
    hint = f"did you mean [bold]kaiying {near[0]}[/bold]?" if near else SEE
    _say(f"[red]There is no command “{word}”[/red]; {hint}")
    return 2


def _explain(problem: CannotGoOn) -> int:
    _say(f"[red]✗[/red] [bold]{problem.what}[/bold]")
    if problem.todo:
        _say(f"  {problem.todo}")
    return 1


def _say(text: str) -> None:
    from rich.console import Console  # noqa: PLC0415 — see above

    Console(stderr=True, highlight=False, soft_wrap=True).print(text)


if __name__ == "__main__":
    sys.exit(main())
