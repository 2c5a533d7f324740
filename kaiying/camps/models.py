"""The camp as its author wrote it, and the cohorts that run it.

A camp comes from a folder (``actions.load_camp``); ``ref`` is the author's own stable id of a thing, so renaming or
moving it keeps what learners did. What learners touched is never deleted: it is retired.
"""

from datetime import date, datetime, time, timedelta
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from kaiying.camps.vocabulary import LessonKind, TaskKind, TeacherRole, UnlockClock
from kaiying.kit import periods
from kaiying.people.models import Organizer, User
from kaiying.web.fields import TranslatedField


class Camp(models.Model):
    """A training camp: days of lessons and tasks, ready to be run by any number of cohorts."""

    organizer = models.ForeignKey(
        Organizer, on_delete=models.PROTECT, related_name="camps", verbose_name=_("organizer")
    )
    slug = models.SlugField(_("id"), max_length=60)
    language = models.CharField(_("main language"), max_length=10, default="zh-hans")
    title = TranslatedField(_("title"))
    audience = TranslatedField(_("for whom"), blank=True)
    tagline = TranslatedField(_("tagline"), blank=True)
    zone = models.CharField(_("time zone"), max_length=40, default="Asia/Shanghai")
    unlock_at = models.TimeField(_("lessons open at"), default=time(8))
    deadline_at = models.TimeField(_("tasks are due at"), default=time(23, 59))
    clock = models.CharField(_("clock"), max_length=8, choices=UnlockClock, default=UnlockClock.CALENDAR)
    class_capacity = models.PositiveIntegerField(_("learners in a class"), default=100)
    reward = models.JSONField(_("reward"), default=dict, blank=True)
    services = models.JSONField(_("services"), default=list, blank=True)
    faq = models.JSONField(_("questions and answers"), default=list, blank=True)
    offer = models.JSONField(_("offer for new cohorts"), default=dict, blank=True)
    media = models.JSONField(_("media files"), default=dict, blank=True)  # {path as written: path below the media root}
    digest = models.CharField(_("fingerprint of its folder"), max_length=64, blank=True)
    loaded_at = models.DateTimeField(_("loaded"), null=True, blank=True)

    class Meta:
        verbose_name = _("camp")
        verbose_name_plural = _("camps")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organizer", "slug"], name="camps_camp_slug"),
        ]

    def __str__(self) -> str:
        """Show the title in the active language."""
        return str(self.title)


class Teacher(models.Model):
    """A lecturer, head teacher or mentor as the camp introduces them."""

    camp = models.ForeignKey(Camp, on_delete=models.CASCADE, related_name="teachers", verbose_name=_("camp"))
    ref = models.SlugField(_("id"), max_length=40)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    role = models.CharField(_("role"), max_length=16, choices=TeacherRole)
    name = TranslatedField(_("name"))
    title = TranslatedField(_("title"), blank=True)
    bio = TranslatedField(_("about"), blank=True)
    portrait = models.CharField(_("portrait"), max_length=200, blank=True)
    email = models.EmailField(_("email"), blank=True)

    class Meta:
        verbose_name = _("teacher")
        verbose_name_plural = _("teachers")
        ordering: ClassVar[list[str]] = ["position"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["camp", "ref"], name="camps_teacher_ref"),
        ]

    def __str__(self) -> str:
        """Show the name in the active language."""
        return str(self.name)


class Day(models.Model):
    """One day of a camp."""

    camp = models.ForeignKey(Camp, on_delete=models.CASCADE, related_name="days", verbose_name=_("camp"))
    number = models.PositiveSmallIntegerField(_("day"))
    title = TranslatedField(_("title"))
    outcome = TranslatedField(_("in hand that evening"), blank=True)

    class Meta:
        verbose_name = _("day")
        verbose_name_plural = _("days")
        ordering: ClassVar[list[str]] = ["number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["camp", "number"], name="camps_day_number"),
        ]

    def __str__(self) -> str:
        """Show number and title."""
        return f"{self.number} {self.title}"


class LessonQuerySet(models.QuerySet["Lesson"]):
    """Ways to pick lessons."""

    def current(self) -> "LessonQuerySet":
        """Return those still part of the camp."""
        return self.filter(retired_at=None)

    def in_order(self) -> "LessonQuerySet":
        """Return them as the course lists them."""
        return self.order_by("day", "position")


class Lesson(models.Model):
    """One lesson: a video with chapters and essence points, an article, or a bonus."""

    camp = models.ForeignKey(Camp, on_delete=models.CASCADE, related_name="lessons", verbose_name=_("camp"))
    ref = models.SlugField(_("id"), max_length=40)
    day = models.PositiveSmallIntegerField(_("day"))
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    kind = models.CharField(_("kind"), max_length=8, choices=LessonKind, default=LessonKind.VIDEO)
    title = TranslatedField(_("title"))
    summary = TranslatedField(_("summary"), blank=True)
    body = TranslatedField(_("text"), blank=True)
    essence = TranslatedField(_("essence points"), many=True, blank=True)
    chapters = models.JSONField(_("chapters"), default=list, blank=True)  # [{"at": seconds, "title": {lang: text}}]
    slides = models.JSONField(_("slides"), default=list, blank=True)
    footage = models.CharField(_("video as written"), max_length=200, blank=True)  # ``slides`` or a path as written
    video = models.CharField(_("video"), max_length=200, blank=True)  # path below the media root
    captions = models.JSONField(_("captions"), default=dict, blank=True)  # {language: path below the media root}
    poster = models.CharField(_("poster frame"), max_length=200, blank=True)
    length = models.PositiveIntegerField(_("length in seconds"), default=0)
    teacher = models.ForeignKey(
        Teacher, on_delete=models.SET_NULL, null=True, blank=True, related_name="lessons", verbose_name=_("teacher")
    )
    is_preview = models.BooleanField(_("open to visitors"), default=False)
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True)

    objects = LessonQuerySet.as_manager()

    class Meta:
        verbose_name = _("lesson")
        verbose_name_plural = _("lessons")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["camp", "ref"], name="camps_lesson_ref"),
        ]

    def __str__(self) -> str:
        """Show its label and title."""
        return f"{self.label} {self.title}"

    @property
    def label(self) -> str:
        """The short label learners see: ``L4``, ``B1``."""
        return self.ref.upper()


class Task(models.Model):
    """Something a learner finishes on a day; whether it is done is derived from what they did."""

    camp = models.ForeignKey(Camp, on_delete=models.CASCADE, related_name="tasks", verbose_name=_("camp"))
    ref = models.SlugField(_("id"), max_length=40)
    day = models.PositiveSmallIntegerField(_("day"))
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    kind = models.CharField(_("kind"), max_length=12, choices=TaskKind)
    title = TranslatedField(_("title"))
    brief = TranslatedField(_("what to do"), blank=True)
    lesson = models.ForeignKey(
        Lesson, on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("lesson")
    )
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True)

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        ordering: ClassVar[list[str]] = ["day", "position"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["camp", "ref"], name="camps_task_ref"),
        ]

    def __str__(self) -> str:
        """Show the title in the active language."""
        return str(self.title)


class Topic(models.Model):
    """The topic a class discusses on a day; it appears at its time by the cohort's clock."""

    camp = models.ForeignKey(Camp, on_delete=models.CASCADE, related_name="topics", verbose_name=_("camp"))
    ref = models.SlugField(_("id"), max_length=40)
    day = models.PositiveSmallIntegerField(_("day"))
    at = models.TimeField(_("appears at"))
    title = TranslatedField(_("title"))
    body = TranslatedField(_("text"), blank=True)
    teacher = models.ForeignKey(
        Teacher, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("teacher")
    )

    class Meta:
        verbose_name = _("topic")
        verbose_name_plural = _("topics")
        ordering: ClassVar[list[str]] = ["day", "at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["camp", "ref"], name="camps_topic_ref"),
        ]

    def __str__(self) -> str:
        """Show the title in the active language."""
        return str(self.title)


class Message(models.Model):
    """A message the product sends in the head teacher's name, with places to fill."""

    camp = models.ForeignKey(Camp, on_delete=models.CASCADE, related_name="messages", verbose_name=_("camp"))
    ref = models.SlugField(_("id"), max_length=40)
    subject = TranslatedField(_("subject"))
    body = TranslatedField(_("text"))

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["camp", "ref"], name="camps_message_ref"),
        ]

    def __str__(self) -> str:
        """Show the subject in the active language."""
        return str(self.subject)


class Cohort(models.Model):
    """One run of a camp: its first day, its zone and clock."""

    camp = models.ForeignKey(Camp, on_delete=models.PROTECT, related_name="cohorts", verbose_name=_("camp"))
    slug = models.SlugField(_("id"), max_length=60, unique=True)
    number = models.PositiveIntegerField(_("number"))
    starts_on = models.DateField(_("first day"))
    zone = models.CharField(_("time zone"), max_length=40)
    clock = models.CharField(_("clock"), max_length=8, choices=UnlockClock, default=UnlockClock.CALENDAR)
    unlock_at = models.TimeField(_("lessons open at"), default=time(8))
    deadline_at = models.TimeField(_("tasks are due at"), default=time(23, 59))
    replay_days = models.PositiveSmallIntegerField(_("days to watch again afterwards"), default=30)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("cohort")
        verbose_name_plural = _("cohorts")
        ordering: ClassVar[list[str]] = ["-starts_on"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["camp", "number"], name="camps_cohort_number"),
        ]

    def __str__(self) -> str:
        """Show camp and number."""
        return f"{self.camp} {self.number}"

    def day_on(self, number: int) -> date:
        """Return the calendar day of day ``number`` (1 is the first)."""
        return self.starts_on + timedelta(days=number - 1)

    def opens_at(self, day: int) -> datetime:
        """Return when the lessons of ``day`` open by the cohort's calendar."""
        return periods.moment(self.day_on(day), self.unlock_at, self.zone)

    def due_at(self, day: int) -> datetime:
        """Return when the tasks of ``day`` are due by the cohort's calendar."""
        return periods.moment(self.day_on(day), self.deadline_at, self.zone)

    def day_at(self, at: datetime) -> int:
        """Return the number of the day that ``at`` falls on; 0 and below before the first."""
        return (periods.day_in(at, self.zone) - self.starts_on).days + 1


class Staffing(models.Model):
    """A person on the staff of a cohort as one of the camp's teachers."""

    cohort = models.ForeignKey(Cohort, on_delete=models.CASCADE, related_name="staffings", verbose_name=_("cohort"))
    teacher = models.ForeignKey(Teacher, on_delete=models.CASCADE, related_name="+", verbose_name=_("teacher"))
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", verbose_name=_("person"))

    class Meta:
        verbose_name = _("staffing")
        verbose_name_plural = _("staffings")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["cohort", "teacher", "user"], name="camps_staffing_once"),
        ]

    def __str__(self) -> str:
        """Show who is who."""
        return f"{self.user}: {self.teacher}"
