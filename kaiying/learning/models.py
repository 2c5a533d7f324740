"""What a learner does in a cohort."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from kaiying.camps.models import Cohort, Lesson, Task
from kaiying.kit.spans import Seconds
from kaiying.people.models import User


class EnrollmentQuerySet(models.QuerySet["Enrollment"]):
    """Ways to pick enrollments."""

    def standing(self) -> "EnrollmentQuerySet":
        """Return those not left or refunded."""
        return self.filter(ended_at=None)

    def locked(self) -> "EnrollmentQuerySet":
        """Lock the rows in the order of their ids, so that whoever writes for one learner follows another."""
        return self.select_for_update(of=("self",)).order_by("pk")


class Enrollment(models.Model):
    """A learner's place in a cohort."""

    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT, related_name="enrollments", verbose_name=_("cohort"))
    learner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="enrollments", verbose_name=_("learner"))
    source = models.CharField(_("source"), max_length=60, blank=True)  # the order's number, or who gave it
    enrolled_at = models.DateTimeField(_("enrolled"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    last_seen_at = models.DateTimeField(_("last seen"), null=True, blank=True)
    # How many more watched seconds the server will believe, and as of when: nobody watches faster than twice the clock.
    credit = models.FloatField(_("seconds of credit"), default=0)
    credit_at = models.DateTimeField(_("credit as of"), null=True, blank=True)

    objects = EnrollmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("enrollment")
        verbose_name_plural = _("enrollments")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["cohort", "learner"], condition=Q(ended_at=None), name="learning_enrolled_once"
            ),
        ]

    def __str__(self) -> str:
        """Show who is in which cohort."""
        return f"{self.learner}: {self.cohort}"


class Override(models.Model):
    """A person's decision that a day or lesson opens at another time for one learner; kept with its reason."""

    enrollment = models.ForeignKey(
        Enrollment, on_delete=models.CASCADE, related_name="overrides", verbose_name=_("enrollment")
    )
    lesson = models.ForeignKey(
        Lesson, on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("lesson")
    )
    day = models.PositiveSmallIntegerField(_("day"), null=True, blank=True)
    opens_at = models.DateTimeField(_("opens"))
    reason = models.CharField(_("reason"), max_length=200)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("decided"))
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)

    class Meta:
        verbose_name = _("override")
        verbose_name_plural = _("overrides")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(lesson=None, day__isnull=False) | Q(lesson__isnull=False, day=None),
                name="learning_override_one_thing",
            ),
        ]

    def __str__(self) -> str:
        """Show what was decided."""
        return f"{self.enrollment} {self.lesson or self.day}: {self.reason}"


class Progress(models.Model):
    """How much of a lesson a learner has watched: a set of seconds, merged by union."""

    enrollment = models.ForeignKey(
        Enrollment, on_delete=models.CASCADE, related_name="progress", verbose_name=_("enrollment")
    )
    lesson = models.ForeignKey(Lesson, on_delete=models.PROTECT, related_name="+", verbose_name=_("lesson"))
    watched = models.BinaryField(_("watched seconds"), default=bytes)  # kit.spans.Seconds.pack()
    seconds = models.PositiveIntegerField(_("distinct seconds"), default=0)
    position = models.FloatField(_("position in seconds"), default=0)
    position_at = models.DateTimeField(_("position as of"), null=True, blank=True)
    device = models.CharField(_("last device"), max_length=64, blank=True)
    opened_at = models.DateTimeField(_("first opened"))
    opened_count = models.PositiveIntegerField(_("times opened"), default=0)
    # When the latest of several openings was counted; of the first it is ``opened_at``.
    reopened_at = models.DateTimeField(_("last opened again"), null=True, blank=True)
    completed_at = models.DateTimeField(_("completed"), null=True, blank=True)

    class Meta:
        verbose_name = _("progress")
        verbose_name_plural = _("progress")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["enrollment", "lesson"], name="learning_progress_once"),
        ]

    def __str__(self) -> str:
        """Show the lesson and how many seconds."""
        return f"{self.lesson_id}: {self.seconds}"

    @property
    def set(self) -> Seconds:
        """The watched seconds."""
        return Seconds.unpack(bytes(self.watched))


class Submission(models.Model):
    """What a learner handed in for a task: text, a picture, or both; handing in again replaces it."""

    enrollment = models.ForeignKey(
        Enrollment, on_delete=models.CASCADE, related_name="submissions", verbose_name=_("enrollment")
    )
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="+", verbose_name=_("task"))
    text = models.TextField(_("text"), blank=True)
    picture = models.CharField(_("picture"), max_length=200, blank=True)  # path below the media root
    handed_in_at = models.DateTimeField(_("handed in"))
    changed_at = models.DateTimeField(_("changed"))

    class Meta:
        verbose_name = _("submission")
        verbose_name_plural = _("submissions")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["enrollment", "task"], name="learning_submission_once"),
        ]

    def __str__(self) -> str:
        """Show the task."""
        return str(self.task)


class Note(models.Model):
    """A learner's own note at a second of a lesson; nobody else reads it."""

    enrollment = models.ForeignKey(
        Enrollment, on_delete=models.CASCADE, related_name="notes", verbose_name=_("enrollment")
    )
    lesson = models.ForeignKey(Lesson, on_delete=models.PROTECT, related_name="+", verbose_name=_("lesson"))
    second = models.PositiveIntegerField(_("second"))
    text = models.TextField(_("text"), max_length=2000)
    written_at = models.DateTimeField(_("written"))

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        ordering: ClassVar[list[str]] = ["second", "id"]

    def __str__(self) -> str:
        """Show how it begins."""
        return self.text[:40]
