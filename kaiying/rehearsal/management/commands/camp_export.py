"""Write a loaded camp into a folder."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any, override

from django.core.management.base import CommandError

from kaiying.camps.actions import export_camp
from kaiying.camps.models import Camp
from kaiying.kit.errors import Refused
from kaiying.press.actions import written_articles
from kaiying.rehearsal.management.base import CampCommand


class Command(CampCommand):
    """``camp export``."""

    help = "Write a loaded camp into an empty folder that loads back to the same camp."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("camp", help="the camp's id")
        parser.add_argument("folder", type=Path, help="an empty or new folder")
        self.organizer_argument(parser)

    @override
    def handle(self, *_args: Any, **options: Any) -> None:
        organizer = self.organizer(options["organizer"])
        camp = Camp.objects.filter(organizer=organizer, slug=options["camp"]).first()
        if camp is None:
            known = ", ".join(Camp.objects.filter(organizer=organizer).values_list("slug", flat=True)) or "none yet"
            message = f"{organizer.slug} has no camp “{options['camp']}”. Known: {known}."
            raise CommandError(message)
        try:
            files = export_camp(camp=camp, folder=options["folder"], articles=written_articles(camp))
        except (Refused, OSError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{camp.slug}: {len(files)} files in {options['folder']}.")
