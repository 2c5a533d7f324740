"""Fills a database for these cases, in a process of its own: ``python -m bench.scale.fill PEOPLE SLUG=TIERS …``.

``TIERS`` is ``price:seats,price:seats``, prices in minor units. There is no waiting room: what is measured is the ledger.
"""

import sys
from datetime import timedelta


def main() -> None:
    """Fill the configured database."""
    people, *sales = sys.argv[1:]
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, skip_checks=True)
    from bench.gate.fixtures import add_people, open_sale
    from kaiying.camps.models import Camp
    from kaiying.offers.models import Admission
    from kaiying.people.models import Organizer

    add_people(int(people))
    organizer = Organizer.objects.create(slug="bench", name="Bench")
    camp = Camp.objects.create(organizer=organizer, slug="bench", title={"en": "Bench"})
    for number, sale in enumerate(sales, 1):
        slug, _, ladder = sale.partition("=")
        steps = [step.split(":") for step in ladder.split(",")]
        tiers = [
            {"id": f"t{place}", "name": f"Tier {place}", "price": f"{int(price) / 100:.2f}", "seats": int(seats)}
            for place, (price, seats) in enumerate(steps)
        ]
        open_sale(camp, slug, tiers, number=number, opens=timedelta(hours=-1))
    Admission.objects.all().delete()


if __name__ == "__main__":
    main()
