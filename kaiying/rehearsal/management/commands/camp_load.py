"""Load a camp from its folder."""

from argparse import ArgumentParser
from datetime import date
from typing import Any, override

from django.core.management.base import CommandError

from kaiying.camps.actions import open_cohort
from kaiying.camps.models import Camp
from kaiying.camps.vocabulary import CampRefused
from kaiying.kit.errors import Refused
from kaiying.rehearsal.management.base import CampCommand
from kaiying.rehearsal.management.camp_folders import Brought, bring_in, changes_of
from kaiying.rehearsal.management.screens import number_of, show_changes
from kaiying.wire import clock


class Command(CampCommand):
    """``camp load``."""

    help = "Show what loading a folder would change, then load it: all of it or nothing. Safe to repeat."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        self.folder_argument(parser)
        self.organizer_argument(parser)
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--no-render", action="store_true", help="do not make videos now")
        parser.add_argument(
            "--cohort-start", type=date.fromisoformat, metavar="DATE", help="also open the next cohort on this day"
        )

    @override
    def handle(self, *_args: Any, **options: Any) -> None:
        organizer = self.organizer(options["organizer"])
        folder = options["folder"]
        try:
            films = self.films(folder, wanted=not options["no_render"])
            changes = changes_of(folder=folder, organizer=organizer, films=films)
            show_changes(self.console, changes)
            if changes and not options["yes"] and not _agreed():
                self.stdout.write("Nothing was changed.")
                return
            brought = bring_in(folder=folder, organizer=organizer, at=clock.now(), films=films, shown=changes)
        except CampRefused as refused:
            raise self.refuse(refused) from None
        except Refused as refused:
            message = f"{refused} Nothing was changed."
            raise CommandError(message) from None
        self.stdout.write(_told(brought))
        if options["cohort_start"]:
            self._open(brought.camp, options["cohort_start"])
        elif brought.changes and not brought.camp.cohorts.exists():
            self.stdout.write(f"Next: kaiying cohort open {brought.camp.slug} DATE{_sale(brought.camp)}")

    def _open(self, camp: Camp, starts_on: date) -> None:
        same = camp.cohorts.filter(starts_on=starts_on).first()
        last = camp.cohorts.order_by("-number").first()
        number = same.number if same else (last.number if last else 0) + 1
        cohort = open_cohort(camp=camp, number=number, starts_on=starts_on, at=clock.now())
        self.stdout.write(f"Cohort {cohort.slug} starts on {cohort.starts_on}.")


def _agreed() -> bool:
    try:
        return input("\nLoad this? [y/N] ").strip().lower() in {"y", "yes", "是"}
    except EOFError:
        return False


def _sale(camp: Camp) -> str:
    return " --sale-opens now" if camp.offer else ""


def _told(brought: Brought) -> str:
    if not brought.changes:
        return f"{brought.camp.slug}: nothing to do."
    parts = [f"Loaded {brought.camp.slug}: {number_of(len(brought.changes), 'change')}"]
    if brought.retired:
        parts.append(f"{len(brought.retired)} kept for what learners did ({', '.join(brought.retired)})")
    if brought.ladders:
        parts.append(f"ladder of {brought.ladders} running offers changed")
    return ", ".join(parts) + "."
