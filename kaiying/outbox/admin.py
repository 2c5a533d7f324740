"""The outbox in the back office: to look at, and to run again what was given up."""

from typing import override

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from kaiying.outbox.actions import revive
from kaiying.outbox.models import Event, Job, Schedule
from kaiying.wire import clock


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # takes none when it runs
    """Rows that only the product itself writes."""

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @override
    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Event)
class EventAdmin(ReadOnly):
    """What was told to open pages."""

    list_display = ("name", "channel", "at")
    search_fields = ("name", "channel")
    show_full_result_count = False


@admin.register(Job)
class JobAdmin(ReadOnly):
    """What is done outside a request."""

    list_display = (
        "__str__",
        "state",
        "attempts",
        "run_at",
        "finished_at",
        "queue",
        "key",
    )
    list_filter = ("state", "queue")
    search_fields = ("task", "key")
    ordering = ("-pk",)
    exclude = ("lease",)
    show_full_result_count = False
    actions = ("run_again",)

    @admin.action(description=_("Run the chosen jobs again"), permissions=["view"])
    def run_again(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        """Queue done or given-up jobs once more."""
        at = clock.now(request)
        count = sum(revive(job=job, at=at) for job in jobs)
        text = ngettext("%(count)d job will run again.", "%(count)d jobs will run again.", count)
        self.message_user(
            request,
            text % {"count": count},
            messages.SUCCESS if count else messages.WARNING,
        )


@admin.register(Schedule)
class ScheduleAdmin(ReadOnly):
    """What comes round again."""

    list_display = ("__str__", "every_seconds", "next_run_at")
