"""Enrollments and what learners did, in the back office."""

from typing import ClassVar

from django.contrib import admin

from kaiying.learning.models import Enrollment, Override, Progress, Submission


@admin.register(Enrollment)
class EnrollmentAdmin(admin.ModelAdmin[Enrollment]):
    """Who is in which cohort; places are given and ended by actions, not here."""

    list_display = ("learner", "cohort", "source", "enrolled_at", "ended_at", "last_seen_at")
    list_filter = ("cohort",)
    search_fields = ("learner__email", "learner__name", "source")
    raw_id_fields = ("learner", "cohort")
    list_select_related = ("learner", "cohort__camp")
    readonly_fields: ClassVar = ("ended_at", "last_seen_at", "credit", "credit_at")


@admin.register(Override)
class OverrideAdmin(admin.ModelAdmin[Override]):
    """Decisions about unlocks; each keeps its reason and who decided."""

    list_display = ("enrollment", "lesson", "day", "opens_at", "reason", "by", "at", "withdrawn_at")
    raw_id_fields = ("enrollment", "lesson", "by")
    list_select_related = ("enrollment__learner", "enrollment__cohort__camp", "lesson", "by")


@admin.register(Progress)
class ProgressAdmin(admin.ModelAdmin[Progress]):
    """How far learners are; nobody types progress in."""

    list_display = ("enrollment", "lesson", "seconds", "position", "completed_at", "opened_count")
    list_filter = ("enrollment__cohort",)
    search_fields = ("enrollment__learner__email", "enrollment__learner__name", "lesson__ref")
    list_select_related = ("enrollment__learner", "enrollment__cohort__camp", "lesson")
    exclude: ClassVar = ("watched",)
    readonly_fields: ClassVar = (
        *("enrollment", "lesson", "seconds", "position", "position_at", "device"),
        *("opened_at", "opened_count", "reopened_at", "completed_at"),
    )


@admin.register(Submission)
class SubmissionAdmin(admin.ModelAdmin[Submission]):
    """What was handed in."""

    list_display = ("enrollment", "task", "handed_in_at", "changed_at")
    list_filter = ("enrollment__cohort",)
    search_fields = ("enrollment__learner__email", "enrollment__learner__name", "task__ref", "text")
    raw_id_fields = ("enrollment", "task")
    list_select_related = ("enrollment__learner", "enrollment__cohort__camp", "task")
    readonly_fields: ClassVar = ("picture",)
