"""The books of this room in the back office: to look at, never to write."""

from typing import Any, ClassVar, override

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from kaiying.kit.money import Money
from kaiying.orders.models import Callback, Order, Payment, Refund


class Amounts:
    """Shows what a row is about in money, not in minor units."""

    @admin.display(description=_("amount"), ordering="amount")
    def money_shown(self, row: Order | Payment | Refund) -> str:
        """Write the amount as people read it."""
        return row.money.text()


class Charges(Amounts):
    """Shows as well what of a charge goes back."""

    @admin.display(description=_("of which goes back"), ordering="refunded")
    def refunded_shown(self, row: Payment) -> str:
        """Write what goes back of it."""
        return Money(row.refunded, row.currency).text()


class Book(admin.ModelAdmin[Any]):
    """Rows that only the product itself writes."""

    show_full_result_count = False

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @override
    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class Lines(admin.TabularInline[Any, Order]):
    """Rows that belong to an order, as they are."""

    extra = 0
    can_delete = False

    @override
    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @override
    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class PaymentLines(Charges, Lines):
    """Money in and out of one order."""

    model = Payment
    fields = ("kind", "money_shown", "refunded_shown", "provider", "transaction", "at")
    readonly_fields = fields


class RefundLines(Amounts, Lines):
    """Refunds of one order."""

    model = Refund
    fields = ("money_shown", "charge", "cause", "reason", "by", "state", "asked_at", "done_at")
    readonly_fields = fields


class CallbackLines(Lines):
    """What the provider said about one order."""

    model = Callback
    fields = ("event_id", "outcome", "received_at")
    readonly_fields = fields


@admin.register(Order)
class OrderAdmin(Amounts, Book):
    """Orders with everything booked on them."""

    exclude = ("amount", "fee", "currency")
    readonly_fields = ("money_shown", "fee_shown")
    list_display = ("number", "learner", "money_shown", "state", "provider", "placed_at", "paid_at")
    list_filter = ("state", "provider")
    list_select_related = ("learner",)
    search_fields = ("number", "learner__email", "learner__name", "provider_ref")
    date_hierarchy = "placed_at"
    ordering = ("-pk",)
    inlines: ClassVar[list[Any]] = [PaymentLines, RefundLines, CallbackLines]

    @admin.display(description=_("kept when the seat was ended"))
    def fee_shown(self, row: Order) -> str:
        """Write what stayed with the organizer."""
        return Money(row.fee, row.currency).text()


@admin.register(Payment)
class PaymentAdmin(Charges, Book):
    """Every movement of money."""

    exclude = ("amount", "currency", "refunded")
    readonly_fields = ("money_shown", "refunded_shown")
    list_display = ("order", "kind", "money_shown", "provider", "transaction", "at")
    list_filter = ("kind", "provider")
    list_select_related = ("order",)
    search_fields = ("order__number", "transaction")
    date_hierarchy = "at"
    ordering = ("-pk",)


@admin.register(Refund)
class RefundAdmin(Amounts, Book):
    """Money on its way back, and who decided it."""

    exclude = ("amount",)
    readonly_fields = ("money_shown",)
    list_display = ("order", "money_shown", "cause", "reason", "by", "state", "asked_at", "done_at")
    list_filter = ("state", "cause")
    list_select_related = ("order", "by")
    search_fields = ("order__number", "key")
    ordering = ("-pk",)


@admin.register(Callback)
class CallbackAdmin(Book):
    """The inbox of what providers told us."""

    list_display = ("event_id", "provider", "order", "outcome", "received_at")
    list_filter = ("outcome", "provider")
    list_select_related = ("order",)
    search_fields = ("event_id", "order__number")
    ordering = ("-pk",)
