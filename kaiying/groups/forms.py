"""What people type in a class."""

from typing import ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from kaiying.groups.models import Nudge, Post
from kaiying.groups.vocabulary import ReasonKind

PICTURES = "image/jpeg,image/png,image/webp,image/gif"


def _longest(model: type[Post | Nudge], name: str) -> int:
    return int(model._meta.get_field(name).max_length or 0)  # type: ignore[union-attr]  # noqa: SLF001 (Django's own name)


class PostForm(forms.Form):
    """Words, a picture, or both; ``key`` makes sending twice harmless."""

    body = forms.CharField(required=False, max_length=_longest(Post, "body"), strip=True)
    picture = forms.FileField(required=False, allow_empty_file=False)
    # Not every key: those with a colon are the room's own, for the post of a check-in.
    key = forms.RegexField(r"^[A-Za-z0-9_-]+$", max_length=60)
    note = forms.BooleanField(required=False)


class CheckInForm(forms.Form):
    """What a learner writes to check in, and a picture if there is one."""

    text = forms.CharField(
        label=_("What you want to say"),
        max_length=_longest(Post, "body"),
        error_messages={"required": _("Write a few words; one sentence is enough.")},
        widget=forms.Textarea(attrs={"rows": 6, "class": "input", "enterkeyhint": "enter"}),
    )
    picture = forms.FileField(
        label=_("Picture, if you have one"),
        required=False,
        widget=forms.FileInput(attrs={"class": "file", "accept": PICTURES}),
    )


class NudgeForm(forms.Form):
    """A reminder to some learners; empty words mean the camp's own message to each."""

    to = forms.TypedMultipleChoiceField(coerce=int, required=False)
    text = forms.CharField(required=False, max_length=_longest(Nudge, "text"))
    reason = forms.ChoiceField(choices=[("", ""), *ReasonKind.choices], required=False)
    key = forms.CharField(max_length=60)

    def __init__(self, *args: object, learners: list[int], **kwargs: object) -> None:
        """Offer the learners of the class and nobody else."""
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["to"].choices = [(learner, learner) for learner in learners]  # type: ignore[attr-defined]


class Looking(forms.Form):
    """How the head teacher looks at the class: a filter, an order, who is open, which section is unfolded."""

    SHOWS: ClassVar = ("unwatched", "unchecked", "unsubmitted")
    SORTS: ClassVar = ("risk", "name", "seen")

    show = forms.ChoiceField(choices=[(name, name) for name in SHOWS], required=False)
    sort = forms.ChoiceField(choices=[(name, name) for name in SORTS], required=False)
    who = forms.IntegerField(required=False)
    open = forms.ChoiceField(choices=[("slow", "slow"), ("fine", "fine"), ("all", "all")], required=False)
