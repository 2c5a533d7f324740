"""Open a cohort of a camp, and its sale."""

from argparse import ArgumentParser
from datetime import date, datetime
from typing import Any, override
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management.base import CommandError

from kaiying.camps.actions import open_cohort
from kaiying.camps.models import Camp, Cohort
from kaiying.kit.errors import Refused
from kaiying.offers.actions import open_offer
from kaiying.offers.models import Offer
from kaiying.rehearsal.management.base import CampCommand
from kaiying.wire import clock

NOW = "now"


class Command(CampCommand):
    """Open a cohort."""

    help = "Open a cohort of a loaded camp, put its teachers on the staff, and its seats on sale. Safe to repeat."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("camp", help="the camp's id")
        parser.add_argument(
            "starts_on", type=date.fromisoformat, metavar="DATE", help="the first day, such as 2026-07-16"
        )
        parser.add_argument("--number", type=int, default=0, help="its number; the next one if left out")
        parser.add_argument(
            "--sale-opens", type=_moment, metavar="MOMENT", help="put its seats on sale: now, or 2026-07-15T20:00"
        )
        parser.add_argument(
            "--address", default="", help="the landing page's address, /c/ADDRESS/; the cohort's id if left out"
        )
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
        if options["sale_opens"]:
            self._sell(cohort, options["sale_opens"], options["address"] or cohort.slug)
        self.stdout.write(f"{cohort.slug} starts on {cohort.starts_on} with {people} on the staff.")

    def _sell(self, cohort: Cohort, opens: str, address: str) -> None:
        if not cohort.camp.offer:
            message = f"{cohort.camp.slug} has no offer in its camp.yaml, so nothing can be sold."
            raise CommandError(message)
        offer = Offer.objects.filter(cohort=cohort).first()
        if offer is None:
            at = clock.now()
            there = ZoneInfo(cohort.zone)
            opens_at = at if opens == NOW else datetime.fromisoformat(opens)
            opens_at = opens_at if opens_at.tzinfo else opens_at.replace(tzinfo=there)
            offer = open_offer(
                cohort=cohort,
                slug=address,
                terms=cohort.camp.offer,
                opens_at=opens_at,
                closes_at=cohort.due_at(cohort.camp.days.count() or 1),
                at=at,
            )
        self.stdout.write(f"On sale from {offer.opens_at:%Y-%m-%d %H:%M} UTC: {settings.KAIYING_URL}/c/{offer.slug}/")


def _moment(text: str) -> str:
    """Check a moment while the command line is read; raises ``ValueError``, which the parser explains."""
    if text != NOW:
        datetime.fromisoformat(text)
    return text
