"""Words of this room, and how it says no."""

from enum import StrEnum
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from kaiying.kit.errors import Refused


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


MESSAGES: dict[str, tuple[str, ...]] = {
    "welcome": ("name", "camp", "price"),
    "day-open": ("name", "camp", "day", "lesson", "minutes"),
    "behind": ("name", "lesson", "minutes"),
    "finished": ("name", "camp", "until"),
    "reservation-reminder": ("name", "camp", "price", "opens"),
    "waitlist-turn": ("name", "camp", "price", "until"),
    "refunded": ("name", "camp", "price"),
}
"""The messages the product sends, by id, and the places it fills in each."""

LAST_SEATS = ("count", "tier", "price")
"""The places in the wording for the last seats."""


class ChangeKind(StrEnum):
    """What a load does to a thing."""

    ADDED = "added"
    CHANGED = "changed"
    MOVED = "moved"
    REMOVED = "removed"


class CampRefused(Refused):
    """The folder has mistakes; ``facts["problems"]`` lists them all."""

    code: ClassVar[str] = "camp_refused"
    text = _("The camp’s folder has %(count)s mistakes.")


class TeacherInUse(Refused):
    """A teacher can't leave the camp while on the staff of a cohort."""

    code: ClassVar[str] = "teacher_in_use"
    text = _("%(teacher)s is on the staff of %(cohort)s and can’t be taken out of the camp.")


class CohortExists(Refused):
    """The camp has a cohort of this number already, with other facts."""

    code: ClassVar[str] = "cohort_exists"
    text = _("Cohort %(number)s of this camp exists already and starts on %(starts_on)s.")


class FolderInTheWay(Refused):
    """An export must not write over files of somebody else."""

    code: ClassVar[str] = "folder_in_the_way"
    text = _("%(folder)s is not empty.")


class FilmImpossible(Refused):
    """Videos can't be made on this machine."""

    code: ClassVar[str] = "film_impossible"
    text = _("Videos can’t be made here: %(why)s")
