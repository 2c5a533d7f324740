"""A class: who is in it, what is said in it, who checked in and who was nudged."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from kaiying.camps.models import Cohort, Task
from kaiying.groups.vocabulary import STAFF, MemberKind, PostKind
from kaiying.notices.models import Notice
from kaiying.people.models import User

HAN_DIGITS = "一二三四五六七八九"
MOST_IN_HAN = 99


def class_name(number: int) -> str:
    """Return what people call a cohort's class of this number: 一班, Class 1."""
    in_han = (get_language() or "").startswith("zh") and 1 <= number <= MOST_IN_HAN
    return gettext("Class %(number)s") % {"number": _han(number) if in_han else number}


def _han(number: int) -> str:
    """Write 1 to 99 as Chinese does: 二, 十, 十二, 二十, 二十三."""
    tens, ones = divmod(number, 10)
    few = f" {HAN_DIGITS}"
    return f"{few[tens] if tens > 1 else ''}{'十' if tens else ''}{few[ones]}".strip()


class ClassGroup(models.Model):
    """A class of one cohort."""

    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT, related_name="+", verbose_name=_("cohort"))
    number = models.PositiveSmallIntegerField(_("number"))
    capacity = models.PositiveIntegerField(_("capacity"))
    opened_at = models.DateTimeField(_("opened"))

    class Meta:
        verbose_name = _("class")
        verbose_name_plural = _("classes")
        ordering: ClassVar[list[str]] = ["number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["cohort", "number"], name="groups_class_number"),
        ]

    def __str__(self) -> str:
        """Show the cohort and what the class is called."""
        return f"{self.cohort} / {self.name}"

    @property
    def name(self) -> str:
        """What people call it: 一班, Class 1."""
        return class_name(self.number)


class MembershipQuerySet(models.QuerySet["Membership"]):
    """Ways to pick memberships."""

    def standing(self) -> "MembershipQuerySet":
        """Return those who have not left."""
        return self.filter(left_at=None)

    def learners(self) -> "MembershipQuerySet":
        """Return learners only."""
        return self.filter(kind=MemberKind.LEARNER)

    def staff(self) -> "MembershipQuerySet":
        """Return head teachers and mentors only."""
        return self.filter(kind__in=STAFF)


class Membership(models.Model):
    """A person in a class."""

    group = models.ForeignKey(ClassGroup, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("class"))
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", verbose_name=_("person"))
    kind = models.CharField(_("role in the class"), max_length=16, choices=MemberKind, default=MemberKind.LEARNER)
    joined_at = models.DateTimeField(_("joined"))
    left_at = models.DateTimeField(_("left the class"), null=True, blank=True)
    read_up_to = models.PositiveBigIntegerField(_("last post read"), default=0)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["group", "user"], condition=Q(left_at=None), name="groups_member_once"),
        ]

    def __str__(self) -> str:
        """Show who is in which class."""
        return f"{self.user}: {self.group}"


class PostQuerySet(models.QuerySet["Post"]):
    """Ways to pick posts."""

    def standing(self) -> "PostQuerySet":
        """Return those not removed."""
        return self.filter(removed_at=None)

    def opening(self) -> "PostQuerySet":
        """Return those that begin a conversation."""
        return self.filter(parent=None)


class Post(models.Model):
    """Something said in a class; a reply has a parent."""

    group = models.ForeignKey(ClassGroup, on_delete=models.CASCADE, related_name="posts", verbose_name=_("class"))
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("author"))
    kind = models.CharField(_("kind"), max_length=8, choices=PostKind, default=PostKind.POST)
    parent = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="replies", verbose_name=_("reply to")
    )
    body = models.TextField(_("text"), max_length=4000, blank=True)
    picture = models.CharField(_("picture"), max_length=200, blank=True)  # path below the media root
    key = models.CharField(_("request key"), max_length=64, blank=True)
    posted_at = models.DateTimeField(_("posted"))
    removed_at = models.DateTimeField(_("removed"), null=True, blank=True)
    likes = models.PositiveIntegerField(_("likes"), default=0)
    reply_count = models.PositiveIntegerField(_("replies"), default=0)

    objects = PostQuerySet.as_manager()

    class Meta:
        verbose_name = _("post")
        verbose_name_plural = _("posts")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["group", "author", "key"], condition=~Q(key=""), name="groups_post_key"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["group", "-id"], condition=Q(parent=None), name="groups_feed"),
        ]

    def __str__(self) -> str:
        """Show how it begins."""
        return self.body[:40]


class Like(models.Model):
    """A person found a post useful."""

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="+", verbose_name=_("post"))
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", verbose_name=_("person"))
    at = models.DateTimeField(_("liked"))

    class Meta:
        verbose_name = _("like")
        verbose_name_plural = _("likes")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["post", "user"], name="groups_like_once"),
        ]

    def __str__(self) -> str:
        """Show who liked what."""
        return f"{self.user}: {self.post_id}"


class CheckIn(models.Model):
    """A learner's check-in (打卡) for a day's task, with the post that carries its text."""

    group = models.ForeignKey(ClassGroup, on_delete=models.CASCADE, related_name="check_ins", verbose_name=_("class"))
    learner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("learner"))
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="+", verbose_name=_("task"))
    day = models.PositiveSmallIntegerField(_("day"))
    post = models.OneToOneField(Post, on_delete=models.PROTECT, related_name="check_in", verbose_name=_("post"))
    due_at = models.DateTimeField(_("was due"))
    at = models.DateTimeField(_("checked in"))

    class Meta:
        verbose_name = _("check-in")
        verbose_name_plural = _("check-ins")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["group", "learner", "task"], name="groups_check_in_once"),
        ]

    def __str__(self) -> str:
        """Show who and which day."""
        return f"{self.learner}: {self.day}"

    @property
    def is_late(self) -> bool:
        """Tell whether it came after the day's deadline."""
        return self.at > self.due_at


class Nudge(models.Model):
    """A reminder a head teacher sent to one learner; its notice tells whether it was read."""

    group = models.ForeignKey(ClassGroup, on_delete=models.CASCADE, related_name="nudges", verbose_name=_("class"))
    learner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("learner"))
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    reason = models.CharField(_("reason"), max_length=40)
    text = models.TextField(_("text"), max_length=1000)
    key = models.CharField(_("request key"), max_length=64)
    sent_at = models.DateTimeField(_("sent"))
    notice = models.OneToOneField(
        Notice, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("notice")
    )

    class Meta:
        verbose_name = _("nudge")
        verbose_name_plural = _("nudges")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["group", "learner", "key"], name="groups_nudge_key"),
        ]

    def __str__(self) -> str:
        """Show to whom."""
        return f"{self.learner}: {self.reason}"


class ContactCount(models.Model):
    """How many learners of a class had to be contacted on a day, as last counted; kept to compare with the next day."""

    group = models.ForeignKey(
        ClassGroup, on_delete=models.CASCADE, related_name="contact_counts", verbose_name=_("class")
    )
    on = models.DateField(_("day"))
    count = models.PositiveIntegerField(_("learners to contact"))
    at = models.DateTimeField(_("counted"))

    class Meta:
        verbose_name = _("contact count")
        verbose_name_plural = _("contact counts")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["group", "on"], name="groups_contact_count_once"),
        ]

    def __str__(self) -> str:
        """Show the day and the number."""
        return f"{self.on}: {self.count}"
