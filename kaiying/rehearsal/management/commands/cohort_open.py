"""Open a cohort of a camp."""

from argparse import ArgumentParser
from datetime import date
from typing import Any, override

from django.core.management.base import CommandError

from kaiying.camps.actions import open_cohort
from kaiying.camps.models import Camp
from kaiying.kit.errors import Refused
from kaiying.rehearsal.management.base import CampCommand
from kaiying.wire import clock


class Command(CampCommand):
    """Open a cohort."""

    help = "Open a cohort of a loaded camp and put its teachers on the staff. Safe to repeat."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("camp", help="the camp's id")
        parser.add_argument(
            "starts_on", type=date.fromisoformat, metavar="DATE", help="the first day, such as 2026-07-16"
        )
        parser.add_argument("--number", type=int, default=0, help="its number; the next one if left out")
        self.organizer_argument(parser)

    @override
    def handle(self, *_args: Any, **options: Any) -> None:
        organizer = self.organizer(options["organizer"])
        camp = Camp.objects.filter(organizer=organizer, slug=options["camp"]).first()
        if camp is None:
            message = f"{organizer.slug} has no camp “{options['camp']}”. Load it first: kaiying camp load FOLDER"
            raise CommandError(message)
        last = camp.cohorts.order_by("-number").first()
        number = options["number"] or (last.number if last else 0) + 1
        try:
            cohort = open_cohort(camp=camp, number=number, starts_on=options["starts_on"], at=clock.now())
        except Refused as refused:
            raise CommandError(str(refused)) from None
        people = cohort.staffings.count()
        self.stdout.write(f"{cohort.slug} starts on {cohort.starts_on} with {people} on the staff.")
