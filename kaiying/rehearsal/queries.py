"""Where the demo can be entered."""

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from kaiying.offers.models import Offer
from kaiying.rehearsal.vocabulary import PARTS


def doors() -> list[dict[str, str]]:
    """Return the demo's people, each with the address that signs one in as them; the visitor first."""
    on_sale = Offer.objects.filter(slug__startswith="debut").order_by("-opens_at").first()
    found = [{"who": _("Visitor"), "url": _address("press:landing", on_sale.slug)}] if on_sale else []
    return [
        *found,
        *({"who": f"{part.label} {part.name}", "url": _address("demo:entrance", part.key)} for part in PARTS),
    ]


def _address(name: str, *args: str) -> str:
    return f"{settings.KAIYING_URL}{reverse(name, args=args)}"
