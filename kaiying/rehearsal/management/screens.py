"""How mistakes, changes and films in the making look in a terminal."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from kaiying.camps.actions import Change, Problem

SIGNS = {"added": ("+", "green"), "changed": ("~", "yellow"), "moved": ("→", "cyan"), "removed": ("−", "red")}
MOST_FIELDS = 8
WIDEST = 36


def show_problems(console: Console, problems: Sequence[Problem]) -> None:
    """Show every mistake under its file, errors first, each with what to do."""
    by_file = sorted(problems, key=lambda one: (one.place.path, one.place.line, one.place.column))
    for path, group in groupby(by_file, key=lambda one: one.place.path):
        console.print(f"\n[bold]{escape(path)}[/]", highlight=False)
        for problem in group:
            style = "red" if problem.is_error else "yellow"
            line = Text.assemble(
                (f"  {problem.place}", "dim"),
                "  ",
                ("error" if problem.is_error else "warning", f"bold {style}"),
                "  ",
                problem.text,
            )
            console.print(line, soft_wrap=True, highlight=False)
            console.print(Text(f"      {problem.advice}", "cyan"), soft_wrap=True, highlight=False)


def counted(problems: Iterable[Problem]) -> str:
    """Say how many mistakes of which sort."""
    found = list(problems)
    errors = sum(problem.is_error for problem in found)
    return f"{number_of(errors, 'error')}, {number_of(len(found) - errors, 'warning')}"


def number_of(count: int, word: str) -> str:
    """Write a number of things: 1 change, 2 changes."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def show_changes(console: Console, changes: Sequence[Change]) -> None:
    """Show each change with the fields that differ; short values before and after."""
    for what, group in groupby(changes, key=lambda change: change.what):
        console.print(f"\n[bold]{what}[/]", highlight=False)
        for change in group:
            sign, style = SIGNS[change.kind]
            console.print(
                Text.assemble((f"  {sign} {change.ref}", style), "  ", (change.title, "")),
                highlight=False,
                soft_wrap=True,
            )
            for field in change.fields[:MOST_FIELDS]:
                console.print(
                    Text(f"      {field.path}{_values(field.before, field.after)}", "dim"),
                    highlight=False,
                    soft_wrap=True,
                )
            if len(change.fields) > MOST_FIELDS:
                console.print(f"      [dim]and {len(change.fields) - MOST_FIELDS} more[/]", highlight=False)


def _values(before: Any, after: Any) -> str:
    shown = [_short(before), _short(after)]
    return f": {shown[0]} → {shown[1]}" if all(shown) else ""


def _short(value: Any) -> str:
    text = "nothing" if value in (None, "", [], {}) else str(value)
    return (
        ""
        if isinstance(value, (dict, list)) and value
        else text
        if len(text) <= WIDEST and "\n" not in text
        else f"{text[: WIDEST - 1].split(chr(10))[0]}…"
    )


@contextmanager
def film_progress(console: Console) -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar for each film that is being made; the reporter may be called from any thread."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("frames"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bars: dict[str, TaskID] = {}

        def report(ref: str, done: int, total: int) -> None:
            if ref not in bars:
                bars[ref] = progress.add_task(f"video {ref}", total=total)
            progress.update(bars[ref], completed=done)

        yield report
