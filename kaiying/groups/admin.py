"""Classes in the back office."""

from typing import ClassVar

from django.contrib import admin

from kaiying.groups.models import CheckIn, ClassGroup, Membership, Nudge, Post


@admin.register(ClassGroup)
class ClassGroupAdmin(admin.ModelAdmin[ClassGroup]):
    """Classes."""

    list_display = ("cohort", "number", "capacity", "opened_at")
    list_filter = ("cohort",)
    list_select_related = ("cohort__camp",)


@admin.register(Membership)
class MembershipAdmin(admin.ModelAdmin[Membership]):
    """Who sits where."""

    list_display = ("user", "group", "kind", "joined_at", "left_at")
    list_filter = ("kind",)
    search_fields = ("user__email", "user__name")
    raw_id_fields = ("group", "user")
    list_select_related = ("user", "group__cohort__camp")


@admin.register(Post)
class PostAdmin(admin.ModelAdmin[Post]):
    """What was said."""

    list_display = ("__str__", "author", "group", "kind", "posted_at", "removed_at")
    list_filter = ("kind",)
    search_fields = ("body", "author__email", "author__name")
    raw_id_fields = ("group", "author", "parent")
    list_select_related = ("author", "group__cohort__camp")
    readonly_fields: ClassVar = ("likes", "reply_count", "key")


@admin.register(CheckIn)
class CheckInAdmin(admin.ModelAdmin[CheckIn]):
    """Who checked in."""

    list_display = ("learner", "group", "task", "day", "at")
    raw_id_fields = ("group", "learner", "task", "post")
    list_select_related = ("learner", "group__cohort__camp", "task")


@admin.register(Nudge)
class NudgeAdmin(admin.ModelAdmin[Nudge]):
    """Who was reminded."""

    list_display = ("learner", "group", "by", "reason", "sent_at")
    raw_id_fields = ("group", "learner", "by", "notice")
    list_select_related = ("learner", "by", "group__cohort__camp")
