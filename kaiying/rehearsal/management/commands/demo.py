"""Load the demo camp, make its videos, and play a cohort in."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, override

from django.conf import settings
from django.core.management.base import CommandError
from rich.progress import BarColumn, Progress, TextColumn

import kaiying
from kaiying.camps.vocabulary import CampRefused
from kaiying.rehearsal.actions import Played, play_demo
from kaiying.rehearsal.actions.casting import cast_organizer
from kaiying.rehearsal.management.base import CampCommand
from kaiying.rehearsal.management.camp_folders import bring_in
from kaiying.rehearsal.queries import doors
from kaiying.wire import clock

FOLDER = Path(kaiying.__file__).parent.parent / "camps" / "debut"
TITLES = {"learners": "Enrolling a class", "days": "Playing two days", "sale": "Opening the next sale"}


class Command(CampCommand):
    """``kaiying demo``."""

    help = "Load the demo camp, make its videos, and play a cohort in up to its second day. Safe to repeat."

    @override
    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--no-render", action="store_true", help="do not make videos now")
        parser.add_argument("--quiet-people", action="store_true", help="do not list the demo's people")

    @override
    def handle(self, *_args: Any, **options: Any) -> None:
        if not settings.KAIYING_DEMO:
            message = "The demo signs anybody in with one click. Set KAIYING_DEMO=1 if that is what you want."
            raise CommandError(message)
        films = self.films(FOLDER, wanted=not options["no_render"])
        at = clock.now()
        try:
            brought = bring_in(folder=FOLDER, organizer=cast_organizer(), at=at, films=films)
        except CampRefused as refused:
            raise self.refuse(refused) from None
        with self._progress() as report:
            played = play_demo(camp=brought.camp, at=at, report=report)
        if not options["quiet_people"]:
            self._introduce(played)

    @contextmanager
    def _progress(self) -> Iterator[Callable[[str, int, int], None]]:
        with Progress(TextColumn("{task.description}"), BarColumn(), console=self.console, transient=True) as progress:
            bars = {}

            def report(what: str, done: int, total: int) -> None:
                if what not in bars:
                    bars[what] = progress.add_task(TITLES[what], total=total)
                progress.update(bars[what], completed=done + 1)

            yield report

    def _introduce(self, played: Played) -> None:
        self.stdout.write(f"Cohort {played.running.number} runs, cohort {played.on_sale.cohort.number} is on sale.")
        for door in doors():
            self.stdout.write(f"  {door['who']:<22} {door['url']}")
