"""``kaiying verify``: recompute what must always be true of every sale, while it runs."""

import argparse
import time

from kaiying.config.commands import CannotGoOn, django_commands
from kaiying.config.commands.screen import console


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``verify``."""
    parser.add_argument("offer", nargs="*", help="addresses of sales (default: all)")


def run(options: argparse.Namespace) -> int:
    """Check each sale on a snapshot of its own; 1 if anything is wrong."""
    django_commands.set_up()
    from kaiying.offers.models import Offer  # noqa: PLC0415 — Django has to be set up first

    offers = Offer.objects.order_by("pk")
    missing = set(options.offer) - set(offers.values_list("slug", flat=True))
    if missing:
        raise CannotGoOn(f"There is no sale at {', '.join(sorted(missing))}.", "Its address is the part after /c/.")
    wrong = sum(_check(offer) for offer in (offers.filter(slug__in=options.offer) if options.offer else offers))
    if not offers:
        console.print("No sale yet.")
    return 1 if wrong else 0


def _check(offer: "Offer") -> bool:  # type: ignore[name-defined]  # noqa: F821 — imported when Django is set up
    from kaiying.offers.queries import snapshot, verify  # noqa: PLC0415 — as above
    from kaiying.orders.queries import verify_money  # noqa: PLC0415 — as above

    begun = time.monotonic()
    with snapshot():
        faults = [*verify(offer), *verify_money(offer)]
        seats, claims = offer.seats_total, offer.claims.count()
    took = time.monotonic() - begun
    mark = "[red]✗[/red]" if faults else "[green]✓[/green]"
    console.print(f"{mark} {offer.slug}: {seats:,} seats, {claims:,} claims, I1 to I7 in {took:.1f} s")
    for fault in faults:
        console.print(f"    {fault}", markup=False)
    return bool(faults)
