"""Compare a camp's folder with what is loaded."""

from argparse import ArgumentParser
from typing import Any, override

from django.core.management.base import CommandError

from kaiying.camps.actions import films_in, read_camp, scripts_of
from kaiying.camps.vocabulary import CampRefused
from kaiying.rehearsal.management.base import CampCommand
from kaiying.rehearsal.management.camp_folders import changes_of, films_folder
from kaiying.rehearsal.management.screens import number_of, show_changes


class Command(CampCommand):
    """``camp diff``."""

    help = "Show what loading a folder would change. Ends with 1 if anything would, touches nothing."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        self.folder_argument(parser)
        self.organizer_argument(parser)

    @override
    def handle(self, *_args: Any, **options: Any) -> None:
        folder = options["folder"]
        organizer = self.organizer(options["organizer"])
        try:
            films = films_in(films_folder(), scripts_of(read_camp(folder)))
            changes = changes_of(folder=folder, organizer=organizer, films=films)
        except CampRefused as refused:
            raise self.refuse(refused) from None
        show_changes(self.console, changes)
        if changes:
            message = f"{folder}: would change {number_of(len(changes), 'thing')}."
            raise CommandError(message, returncode=1)
        self.stdout.write(f"{folder}: no difference.")
