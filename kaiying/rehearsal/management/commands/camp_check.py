"""Find every mistake in a camp's folder."""

from argparse import ArgumentParser
from typing import Any, override

from django.core.management.base import CommandError

from kaiying.camps.actions import check_camp
from kaiying.rehearsal.management.base import CampCommand
from kaiying.rehearsal.management.screens import counted, show_problems


class Command(CampCommand):
    """``camp check``."""

    help = "Find every mistake in a camp's folder, each with its file, line and what to do. Touches nothing."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        self.folder_argument(parser)
        parser.add_argument("--strict", action="store_true", help="fail on warnings too")

    @override
    def handle(self, *_args: Any, **options: Any) -> None:
        reading = check_camp(options["folder"])
        show_problems(self.console, reading.problems)
        if reading.errors or (options["strict"] and reading.problems):
            message = f"{options['folder']}: {counted(reading.problems)}."
            raise CommandError(message, returncode=1)
        lessons = len(reading.camp.lessons) if reading.camp else 0
        self.stdout.write(f"{options['folder']}: {lessons} lessons, {counted(reading.problems)}.")
