"""The books of this room in the back office: to look at, never to write."""

from typing import Any, ClassVar, override

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from kaiying.orders.models import Callback, Order, Payment, Refund


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


class PaymentLines(Lines):
    """Money in and out of one order."""

    model = Payment


class RefundLines(Lines):
    """Refunds of one order."""

    model = Refund
    raw_id_fields = ("charge", "by")


class CallbackLines(Lines):
    """What the provider said about one order."""

    model = Callback
    fields = ("event_id", "outcome", "received_at")
    readonly_fields = fields


@admin.register(Order)
class OrderAdmin(Book):
    """Orders with everything booked on them."""

    list_display = ("number", "learner", "amount", "currency", "state", "provider", "placed_at", "paid_at")
    list_filter = ("state", "provider")
    list_select_related = ("learner",)
    search_fields = ("number", "learner__email", "learner__name", "provider_ref")
    date_hierarchy = "placed_at"
    ordering = ("-pk",)
    inlines: ClassVar[list[Any]] = [PaymentLines, RefundLines, CallbackLines]


@admin.register(Payment)
class PaymentAdmin(Book):
    """Every movement of money."""

    list_display = ("order", "kind", "amount", "currency", "provider", "transaction", "at")
    list_filter = ("kind", "provider")
    list_select_related = ("order",)
    search_fields = ("order__number", "transaction")
    date_hierarchy = "at"
    ordering = ("-pk",)


@admin.register(Refund)
class RefundAdmin(Book):
    """Money on its way back, and who decided it."""

    list_display = ("order", "amount", "cause", "reason", "by", "state", "asked_at", "done_at")
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
