"""Sales in the back office. The ledger is looked at here, and changed only by its own actions."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from kaiying.kit.money import Money
from kaiying.offers.models import Claim, Offer, PriceTier, WaitlistEntry


class LookOnly:
    """Rows that the back office shows and never writes."""

    def has_add_permission(self, *_given: Any) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, *_given: Any) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, *_given: Any) -> bool:
        """Refuse."""
        return False


class PriceTierInline(LookOnly, admin.TabularInline[PriceTier, Offer]):
    """The ladder of an offer; it is changed by loading the camp."""

    model = PriceTier
    fields = ("name", "price_shown", "ends_at", "capacity", "held", "paid", "void")
    readonly_fields = fields
    extra = 0

    @admin.display(description=_("price"))
    def price_shown(self, tier: PriceTier) -> str:
        """Write the price as people read it."""
        return Money(tier.price, tier.offer.currency).text()


@admin.register(Offer)
class OfferAdmin(admin.ModelAdmin[Offer]):
    """Sales: when they open and close, and how long a hold lasts."""

    list_display = ("slug", "cohort", "list_price_shown", "seats_total", "opens_at", "closes_at")
    list_select_related = ("cohort__camp",)
    fields = (
        "cohort",
        "slug",
        "list_price_shown",
        "seats_total",
        "opens_at",
        "closes_at",
        "hold_minutes",
        "on_return",
    )
    readonly_fields = ("cohort", "list_price_shown", "seats_total")
    inlines = (PriceTierInline,)

    @admin.display(description=_("list price"), ordering="list_price")
    def list_price_shown(self, offer: Offer) -> str:
        """Write the list price as people read it."""
        return Money(offer.list_price, offer.currency).text()

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """Refuse: a sale is opened with its seats."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Offer | None = None) -> bool:
        """Refuse: no row of the ledger is deleted."""
        return False


@admin.register(Claim)
class ClaimAdmin(LookOnly, admin.ModelAdmin[Claim]):
    """Claims."""

    list_display = ("offer", "seat_number", "learner", "tier", "price_shown", "state", "claimed_at", "held_until")
    exclude = ("price", "max_price")
    readonly_fields = ("price_shown", "max_price_shown")
    list_filter = ("state", "offer")
    list_select_related = ("offer", "learner", "tier")
    search_fields = ("learner__email", "learner__name")

    @admin.display(description=_("price"), ordering="price")
    def price_shown(self, claim: Claim) -> str:
        """Write the price as people read it."""
        return Money(claim.price, claim.offer.currency).text()

    @admin.display(description=_("the most the buyer agreed to"))
    def max_price_shown(self, claim: Claim) -> str:
        """Write what the buyer agreed to."""
        return Money(claim.max_price, claim.offer.currency).text()


@admin.register(WaitlistEntry)
class WaitlistAdmin(LookOnly, admin.ModelAdmin[WaitlistEntry]):
    """The waitlist."""

    list_display = ("offer", "learner", "max_price_shown", "precedence", "state", "joined_at")
    list_filter = ("state", "offer")
    list_select_related = ("offer", "learner")
    search_fields = ("learner__email", "learner__name")
    exclude = ("max_price",)
    readonly_fields = ("max_price_shown",)

    @admin.display(description=_("the most they agreed to"), ordering="max_price")
    def max_price_shown(self, entry: WaitlistEntry) -> str:
        """Write what they agreed to."""
        return Money(entry.max_price, entry.offer.currency).text()
