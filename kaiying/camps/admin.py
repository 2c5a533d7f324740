"""Camps in the back office: to look at and to correct a word; a camp's own place is its folder."""

from django.contrib import admin

from kaiying.camps.models import Camp, Cohort, Day, Lesson, Message, Staffing, Task, Teacher, Topic


class DayInline(admin.StackedInline[Day, Camp]):
    """The days of a camp."""

    model = Day
    extra = 0


class TeacherInline(admin.StackedInline[Teacher, Camp]):
    """The teachers of a camp."""

    model = Teacher
    extra = 0
    readonly_fields = ("ref", "portrait")


@admin.register(Camp)
class CampAdmin(admin.ModelAdmin[Camp]):
    """Camps."""

    list_display = ("title", "slug", "organizer", "zone", "clock", "loaded_at")
    list_filter = ("organizer",)
    search_fields = ("slug", "title")
    readonly_fields = ("slug", "language", "media", "digest", "loaded_at")
    inlines = (DayInline, TeacherInline)


@admin.register(Lesson)
class LessonAdmin(admin.ModelAdmin[Lesson]):
    """Lessons."""

    list_display = ("ref", "title", "camp", "day", "position", "kind", "length", "has_video", "retired_at")
    list_filter = ("camp", "day", "kind")
    search_fields = ("ref", "title")
    list_select_related = ("camp",)
    readonly_fields = ("camp", "ref", "footage", "video", "captions", "poster", "length")
    ordering = ("camp", "day", "position")

    @admin.display(boolean=True, description="▶")
    def has_video(self, lesson: Lesson) -> bool:
        """Tell whether there is a video to play."""
        return bool(lesson.video)


@admin.register(Task)
class TaskAdmin(admin.ModelAdmin[Task]):
    """Tasks."""

    list_display = ("ref", "title", "camp", "day", "kind", "retired_at")
    list_filter = ("camp", "day", "kind")
    search_fields = ("ref", "title")
    list_select_related = ("camp",)
    readonly_fields = ("camp", "ref", "lesson")


@admin.register(Topic)
class TopicAdmin(admin.ModelAdmin[Topic]):
    """Topics."""

    list_display = ("ref", "title", "camp", "day", "at")
    list_filter = ("camp", "day")
    search_fields = ("ref", "title")
    readonly_fields = ("camp", "ref")
    list_select_related = ("camp",)


@admin.register(Message)
class MessageAdmin(admin.ModelAdmin[Message]):
    """Messages."""

    search_fields = ("ref", "subject")
    list_display = ("ref", "subject", "camp")
    list_filter = ("camp",)
    list_select_related = ("camp",)
    readonly_fields = ("camp", "ref")


class StaffingInline(admin.TabularInline[Staffing, Cohort]):
    """The staff of a cohort."""

    model = Staffing
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(Cohort)
class CohortAdmin(admin.ModelAdmin[Cohort]):
    """Cohorts."""

    list_display = ("slug", "camp", "number", "starts_on", "zone", "clock")
    list_filter = ("camp",)
    list_select_related = ("camp",)
    date_hierarchy = "starts_on"
    readonly_fields = ("created_at",)
    inlines = (StaffingInline,)
