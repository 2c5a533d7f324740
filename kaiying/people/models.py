"""People, the organizers they work for, and what they may do there."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.translation import gettext_lazy as _

from kaiying.people.vocabulary import RoleKind

COLORS = 6
INITIALS = 2
NICKNAMES = frozenset("小阿老大")


class UserManager(BaseUserManager["User"]):
    """Makes people; nobody here has a password unless the owner sets one."""

    def create_user(self, email: str, **facts: Any) -> "User":
        """Create a person who signs in by a code sent to ``email``."""
        user = self.model(email=email.strip().lower(), **facts)
        user.set_unusable_password()
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, **facts: Any) -> "User":
        """Create an owner who may open the back office."""
        return self.create_user(email, is_staff=True, is_superuser=True, **facts)


class User(AbstractBaseUser, PermissionsMixin):
    """Anyone who signs in: visitor, learner, head teacher, mentor, operator or owner."""

    email = models.EmailField(_("email"), unique=True)
    name = models.CharField(_("name"), max_length=40, blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True)
    is_staff = models.BooleanField(_("may open the back office"), default=False)
    is_active = models.BooleanField(_("may sign in"), default=True)
    joined_at = models.DateTimeField(_("joined"), db_default=Now(), editable=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(Lower("email"), name="people_user_email_any_case"),
        ]

    def __str__(self) -> str:
        """Show the name, or what stands before the @ of the address."""
        return self.name or self.email.partition("@")[0]

    def get_full_name(self) -> str:
        """Return the name shown to others."""
        return str(self)

    @property
    def initial(self) -> str:
        """One or two characters for the avatar.

        The letter of a ``Learner K2``; of 小禾 and 阿澈 the second character, because half a class is 小 or 阿; else
        the first.
        """
        shown = str(self).strip()
        before, _space, tail = shown.rpartition(" ")
        if before and len(tail) <= INITIALS:
            return tail.upper()
        return shown[1:2] if shown[:1] in NICKNAMES and len(shown) > 1 else shown[:1].upper()

    @property
    def color(self) -> int:
        """One of six quiet tints, 1 to 6."""
        return (self.pk or 0) % COLORS + 1


class Organizer(models.Model):
    """Who runs camps on this install."""

    slug = models.SlugField(_("short name"), unique=True)
    name = models.CharField(_("name"), max_length=80)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("organizer")
        verbose_name_plural = _("organizers")

    def __str__(self) -> str:
        """Show the name."""
        return self.name


class Role(models.Model):
    """What a person may do for one organizer."""

    organizer = models.ForeignKey(
        Organizer, on_delete=models.CASCADE, related_name="roles", verbose_name=_("organizer")
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="roles", verbose_name=_("person"))
    kind = models.CharField(_("role"), max_length=16, choices=RoleKind)
    given_at = models.DateTimeField(_("given"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organizer", "user", "kind"], name="people_role_once"),
        ]

    def __str__(self) -> str:
        """Show who does what."""
        return f"{self.user}: {self.get_kind_display()}"


class OwnerLink(models.Model):
    """A one-time link that makes whoever opens it the owner; only a hash of its secret is kept."""

    digest = models.CharField(max_length=64, unique=True)
    issued_at = models.DateTimeField()
    valid_until = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("owner link")
        verbose_name_plural = _("owner links")

    def __str__(self) -> str:
        """Show its state, never its secret."""
        return f"{self.issued_at:%Y-%m-%d %H:%M} {'used' if self.used_at else 'open'}"
