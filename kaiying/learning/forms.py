"""What learners type."""

from django import forms
from django.utils.translation import gettext_lazy as _

from kaiying.learning.actions.handing_in import LONGEST_TEXT
from kaiying.learning.actions.noting import LONGEST_NOTE


class NoteForm(forms.Form):
    """A note at a second; the action says what is wrong with its words."""

    second = forms.FloatField(min_value=0, max_value=24 * 3600, initial=0, widget=forms.HiddenInput)
    text = forms.CharField(max_length=LONGEST_NOTE, required=False, strip=True)


class SubmissionForm(forms.Form):
    """Text, a picture, or both."""

    text = forms.CharField(
        label=_("Text"),
        required=False,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"class": "input", "rows": 8, "data-draft": "text"}),
    )
    picture = forms.FileField(
        label=_("Picture"),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"class": "file", "accept": "image/jpeg,image/png,image/webp,image/gif"}),
    )
    drop_picture = forms.BooleanField(
        label=_("Remove the picture"), required=False, widget=forms.CheckboxInput(attrs={"class": "check"})
    )
