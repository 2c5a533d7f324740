"""What the camp commands have in common."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any, override

from django.core.management.base import BaseCommand, CommandError
from django.utils import translation
from rich.console import Console

from kaiying.camps.actions import Film
from kaiying.camps.vocabulary import CampRefused, FilmImpossible
from kaiying.people.models import Organizer
from kaiying.rehearsal.management.camp_folders import films_for
from kaiying.rehearsal.management.screens import film_progress, show_problems


class CampCommand(BaseCommand):
    """A command about a camp's folder."""

    requires_system_checks: list[str] = []  # noqa: RUF012 — Django's own shape

    @override
    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command in English, as the command line speaks it; titles stay in the camp's language."""
        with translation.override("en"):
            return super().execute(*args, **options)

    @property
    def console(self) -> Console:
        """Where rich text goes: the command's own output, so that tests and pipes see it."""
        stream: Any = self.stdout
        return Console(file=stream, soft_wrap=True)

    @staticmethod
    def folder_argument(parser: ArgumentParser) -> None:
        """Add the folder."""
        parser.add_argument("folder", type=Path, help="the folder that holds camp.yaml")

    @staticmethod
    def organizer_argument(parser: ArgumentParser) -> None:
        """Add the organizer."""
        parser.add_argument(
            "--organizer", default="", help="short name of the organizer; not needed if there is only one"
        )

    @staticmethod
    def organizer(slug: str) -> Organizer:
        """Return the named organizer, or the only one."""
        if slug:
            found = Organizer.objects.filter(slug=slug).first()
            if found is None:
                known = ", ".join(Organizer.objects.values_list("slug", flat=True)) or "none yet"
                message = f"There is no organizer “{slug}”. Known: {known}."
                raise CommandError(message)
            return found
        organizers = list(Organizer.objects.all()[:2])
        if len(organizers) != 1:
            message = (
                "Say which organizer: --organizer NAME." if organizers else "There is no organizer yet. Run: kaiying up"
            )
            raise CommandError(message)
        return organizers[0]

    def refuse(self, refused: CampRefused) -> CommandError:
        """Show what is wrong with the folder; return the error to raise."""
        show_problems(self.console, list(refused.facts["problems"]))  # type: ignore[call-overload]
        return CommandError(f"{refused} Nothing was changed.", returncode=1)

    def films(self, folder: Path, *, wanted: bool) -> dict[str, Film]:
        """Make the films of a folder if that is wanted and possible; say so if it is not possible."""
        if not wanted:
            return {}
        try:
            with film_progress(self.console) as report:
                return films_for(folder, report=report)
        except FilmImpossible as refused:
            self.stderr.write(f"{refused} The lessons say that their video is being prepared; render it later.")
            return {}
