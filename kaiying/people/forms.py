"""What people fill in about themselves."""

from typing import Any, cast

from allauth.account.forms import RequestLoginCodeForm
from allauth.account.models import EmailAddress
from django import forms
from django.conf import settings
from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from kaiying.people.models import User


class SignInForm(RequestLoginCodeForm):  # type: ignore[misc]  # allauth has no types
    """Ask for a code; an address we have not seen gets an account with its first code.

    So the answer, the mail and the time they take are the same for known and unknown addresses.
    """

    _user: User | None

    def clean_email(self) -> str:
        """Find or make the person behind the address."""
        email = cast("str", super().clean_email()).lower()
        if self._user is None and not User.objects.filter(email=email).exists():
            with transaction.atomic():
                # Mails speak the language of the page they asked on, until they choose another.
                self._user = User.objects.create_user(email, language=get_language() or "")
                EmailAddress.objects.create(user=self._user, email=email, primary=True, verified=False)
        return email


class SettingsForm(forms.ModelForm[User]):
    """The name others see and the language of mails."""

    class Meta:
        model = User
        fields = ("name", "language")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer our languages."""
        super().__init__(*args, **kwargs)
        self.fields["name"].required = True
        self.fields["name"].widget.attrs |= {"class": "input", "autocomplete": "nickname"}
        self.fields["language"] = forms.ChoiceField(
            label=_("language"),
            choices=[("", _("As my browser asks")), *settings.LANGUAGES],
            required=False,
            widget=forms.Select(attrs={"class": "input"}),
        )

    def clean_name(self) -> str:
        """Keep names on one line."""
        return " ".join(str(self.cleaned_data["name"]).split())
