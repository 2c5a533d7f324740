"""Words of this room."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from kaiying.kit.errors import Refused


class MemberKind(models.TextChoices):
    """What a person is in a class."""

    LEARNER = "learner", _("Learner")
    HEAD_TEACHER = "head_teacher", _("Head teacher")
    MENTOR = "mentor", _("Mentor")


STAFF = (MemberKind.HEAD_TEACHER, MemberKind.MENTOR)


class PostKind(models.TextChoices):
    """What a post is."""

    POST = "post", _("Post")
    CHECK_IN = "check_in", _("Check-in")
    NOTE = "note", _("Note from the head teacher")


class FeedKind(models.TextChoices):
    """Which posts of a class to show."""

    ALL = "", _("All")
    CHECK_IN = "check_in", _("Check-ins")
    STAFF = "staff", _("Teachers")


class Standing(models.TextChoices):
    """How a learner is doing, for whoever looks after them."""

    CONTACT = "contact", _("To contact")
    SLOW = "slow", _("A little behind")
    FINE = "fine", _("Keeping up")


class ReasonKind(models.TextChoices):
    """Why a learner should be contacted."""

    AWAY = "away", _("Out of touch")
    STUCK = "stuck", _("Stuck")
    NO_CHECK_IN = "check_in", _("No check-in")
    NOT_HANDED_IN = "submission", _("Not handed in")


class NotEnrolled(Refused):
    """Whoever has no standing enrollment gets no seat in a class."""

    code: ClassVar[str] = "groups.not_enrolled"
    text: ClassVar[object] = _("You are not enrolled in this camp.")
    status: ClassVar[int] = 404


class NotInClass(Refused):
    """Only people of the class do this here."""

    code: ClassVar[str] = "groups.not_in_class"
    text: ClassVar[object] = _("You are not in this class.")
    status: ClassVar[int] = 404


class NotYours(Refused):
    """Only the author and the staff of the class may remove a post."""

    code: ClassVar[str] = "groups.not_yours"
    text: ClassVar[object] = _("Only its author and the teachers of the class can remove this.")
    status: ClassVar[int] = 403


class NothingSaid(Refused):
    """A post needs words or a picture."""

    code: ClassVar[str] = "groups.nothing_said"
    text: ClassVar[object] = _("Write something or add a picture.")
    status: ClassVar[int] = 400


class Gone(Refused):
    """What one wants to answer or like was removed."""

    code: ClassVar[str] = "groups.gone"
    text: ClassVar[object] = _("This post was removed.")
    status: ClassVar[int] = 410


class NotACheckIn(Refused):
    """The task is done in another way."""

    code: ClassVar[str] = "groups.not_a_check_in"
    text: ClassVar[object] = _("This task is not a check-in.")
    status: ClassVar[int] = 404


class DayNotOpen(Refused):
    """The day of the task has not opened for this learner."""

    code: ClassVar[str] = "groups.day_not_open"
    text: ClassVar[object] = _("Day %(day)s is not open yet.")


class CampOver(Refused):
    """Nothing more is done in this camp; what was done stays."""

    code: ClassVar[str] = "groups.camp_over"
    text: ClassVar[object] = _("This camp is over. What you wrote stays.")


class NobodyToTell(Refused):
    """None of the people named is a learner of the class."""

    code: ClassVar[str] = "groups.nobody_to_tell"
    text: ClassVar[object] = _("Choose at least one learner of this class.")
    status: ClassVar[int] = 400
