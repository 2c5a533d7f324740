"""Make the videos of a camp's slides lessons."""

import time
from argparse import ArgumentParser
from typing import Any, override

from django.core.management.base import CommandError

from kaiying.camps.vocabulary import CampRefused, FilmImpossible
from kaiying.rehearsal.management.base import CampCommand
from kaiying.rehearsal.management.camp_folders import films_for
from kaiying.rehearsal.management.screens import film_progress


class Command(CampCommand):
    """``camp render``."""

    help = "Make the videos of a camp's slides lessons and keep them; those already made are not made again."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        self.folder_argument(parser)

    @override
    def handle(self, *_args: Any, **options: Any) -> None:
        began = time.monotonic()
        try:
            with film_progress(self.console) as report:
                films = films_for(options["folder"], report=report)
        except CampRefused as refused:
            raise self.refuse(refused) from None
        except FilmImpossible as refused:
            raise CommandError(str(refused)) from None
        size = sum(film.video.stat().st_size for film in films.values()) / 1e6
        took = time.monotonic() - began
        self.stdout.write(f"{len(films)} videos, {size:.1f} MB, in {took:.0f} s. Load the camp to use them.")
