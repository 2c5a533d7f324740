"""Words of this room."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class LessonKind(models.TextChoices):
    """What a lesson is made of."""

    VIDEO = "video", _("Video lesson")
    ARTICLE = "article", _("Article")
    BONUS = "bonus", _("Bonus lesson")


class TaskKind(models.TextChoices):
    """What a learner does to finish a task."""

    WATCH = "watch", _("Watch")
    CHECK_IN = "check_in", _("Check-in")
    SUBMISSION = "submission", _("Submission")


class UnlockClock(models.TextChoices):
    """Whose first day counts as day 1."""

    CALENDAR = "calendar", _("The cohort's calendar")
    PERSONAL = "personal", _("The learner's own clock")


class TeacherRole(models.TextChoices):
    """How a teacher is introduced."""

    LECTURER = "lecturer", _("Lecturer")
    HEAD_TEACHER = "head_teacher", _("Head teacher")
    MENTOR = "mentor", _("Mentor")
