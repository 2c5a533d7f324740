"""Sales in the back office. The ledger is looked at here, and changed only by its own actions."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

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
    fields = ("name", "price", "ends_at", "capacity", "held", "paid", "void")
    readonly_fields = fields
    extra = 0


@admin.register(Offer)
class OfferAdmin(admin.ModelAdmin[Offer]):
    """Sales: when they open and close, and how long a hold lasts."""

    list_display = ("slug", "cohort", "seats_total", "opens_at", "closes_at")
    fields = (
        "cohort",
        "slug",
        "list_price",
        "currency",
        "seats_total",
        "opens_at",
        "closes_at",
        "hold_minutes",
        "on_return",
    )
    readonly_fields = ("cohort", "list_price", "currency", "seats_total")
    inlines = (PriceTierInline,)

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """Refuse: a sale is opened with its seats."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Offer | None = None) -> bool:
        """Refuse: no row of the ledger is deleted."""
        return False


@admin.register(Claim)
class ClaimAdmin(LookOnly, admin.ModelAdmin[Claim]):
    """Claims."""

    list_display = ("offer", "seat_number", "learner", "tier", "price", "state", "claimed_at", "held_until")
    list_filter = ("state", "offer")
    list_select_related = ("offer", "learner", "tier")
    search_fields = ("learner__email", "learner__name")


@admin.register(WaitlistEntry)
class WaitlistAdmin(LookOnly, admin.ModelAdmin[WaitlistEntry]):
    """The waitlist."""

    list_display = ("offer", "learner", "max_price", "precedence", "state", "joined_at")
    list_filter = ("state", "offer")
    list_select_related = ("offer", "learner")
    search_fields = ("learner__email", "learner__name")
