"""What operators fill in."""

import re
import unicodedata
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from kaiying.camps.models import Cohort, Lesson
from kaiying.camps.vocabulary import LessonKind
from kaiying.kit.money import Money

FARTHEST = timedelta(days=3660)
AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,4})?")


class MomentField(forms.DateTimeField):
    """A moment by the clocks of the cohort's zone, entered with the browser's own picker."""

    def __init__(self, *, zone: str, **kwargs: Any) -> None:
        """Take the zone the person thinks in."""
        self.zone = ZoneInfo(zone)
        widget = forms.DateTimeInput(attrs={"type": "datetime-local", "class": "input"}, format="%Y-%m-%dT%H:%M")
        super().__init__(widget=widget, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """Show a moment as clocks there show it."""
        return value.astimezone(self.zone).replace(tzinfo=None) if isinstance(value, datetime) else value

    def to_python(self, value: Any) -> datetime | None:
        """Read what clocks there show as a moment in UTC."""
        found = super().to_python(value)
        return found.replace(tzinfo=self.zone).astimezone(UTC) if found else None


class OverrideForm(forms.Form):
    """Let one day or lesson open at another time for one learner, and say why."""

    def __init__(self, *args: Any, cohort: Cohort, **kwargs: Any) -> None:
        """Offer the camp's days and lessons."""
        super().__init__(*args, **kwargs)
        camp = cohort.camp
        lessons = Lesson.objects.current().filter(camp=camp).in_order().defer("body", "slides")
        days = [
            (f"day-{day.number}", f"{_('Day %(number)s') % {'number': day.number}} {day.title}")
            for day in camp.days.all()
        ]
        labels = {LessonKind.BONUS: _("Bonus lesson")}
        self.lessons = {f"lesson-{one.pk}": one for one in lessons}
        choices = [
            (key, f"{one.label} {one.title} {labels.get(LessonKind(one.kind), '')}")
            for key, one in self.lessons.items()
        ]
        self.fields["what"] = forms.ChoiceField(
            label=_("What opens"),
            choices=[(_("A whole day"), days), (_("One lesson"), choices)],
            widget=forms.Select(attrs={"class": "input"}),
        )
        self.fields["opens_at"] = MomentField(zone=cohort.zone, label=_("Opens at"))
        self.fields["reason"] = forms.CharField(
            label=_("Why"),
            max_length=200,
            widget=forms.TextInput(attrs={"class": "input", "placeholder": _("What you would tell a colleague")}),
        )

    def thing(self) -> dict[str, Any]:
        """Return what was chosen as the action takes it: ``day`` or ``lesson``."""
        kind, _dash, key = str(self.cleaned_data["what"]).partition("-")
        return {"day": int(key)} if kind == "day" else {"lesson": self.lessons[f"lesson-{key}"]}


class TravelForm(forms.Form):
    """Which moment to look from."""

    def __init__(self, *args: Any, cohort: Cohort, **kwargs: Any) -> None:
        """Ask in the cohort's zone."""
        super().__init__(*args, **kwargs)
        self.cohort = cohort
        self.fields["at"] = MomentField(zone=cohort.zone, label=_("Moment"))

    def clean_at(self) -> datetime:
        """Stay within what calendars can say."""
        at: datetime = self.cleaned_data["at"]
        start = self.cohort.opens_at(1)
        if abs(at - start) > FARTHEST:
            raise forms.ValidationError(_("Choose a moment within ten years of the cohort's first day."))
        return at


class RefundForm(forms.Form):
    """How much goes back, what becomes of the seat, and why."""

    how = forms.ChoiceField(choices=[("all", ""), ("part", "")], required=False)
    amount = forms.CharField(
        label=_("How much"),
        required=False,
        widget=forms.TextInput(attrs={"class": "input", "inputmode": "decimal", "autocomplete": "off"}),
    )
    ends_seat = forms.BooleanField(
        label=_("End the seat as well; the rest stays with you"),
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "check"}),
    )
    reason = forms.CharField(label=_("Why"), max_length=200, widget=forms.TextInput(attrs={"class": "input"}))
    seen = forms.IntegerField(required=False)

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        """Take the currency that amounts are typed in."""
        super().__init__(*args, **kwargs)
        self.currency = currency

    @property
    def is_part(self) -> bool:
        """Whether a part was chosen."""
        return bool(self["how"].value() == "part")

    def clean(self) -> dict[str, Any]:
        """Read the amount of a part, with the signs and wide digits people type."""
        found = dict(super().clean() or self.cleaned_data)
        typed = unicodedata.normalize("NFKC", found.get("amount") or "").strip().lstrip("¥$€£ ")
        found["amount"] = None
        if found.get("how") == "part":
            with suppress(ValueError):
                found["amount"] = Money.parse(typed, self.currency).minor if AMOUNT.fullmatch(typed) else None
            if found["amount"] is None:
                self.add_error("amount", _("Write an amount such as 12.50."))
        return found

    def asked(self) -> dict[str, Any]:
        """Return what was chosen as the action takes it."""
        ends_seat = bool(self.cleaned_data["ends_seat"] and self.is_part)
        return {name: self.cleaned_data[name] for name in ("reason", "amount", "seen")} | {"ends_seat": ends_seat}


class ActForm(forms.Form):
    """Why an operator does something to a sale."""

    reason = forms.CharField(
        label=_("Why"),
        max_length=200,
        widget=forms.TextInput(attrs={"class": "input", "placeholder": _("What you would tell a colleague")}),
    )

    def act(self) -> dict[str, Any]:
        """Return what was filled in besides the reason, as the action takes it."""
        return {name: value for name, value in self.cleaned_data.items() if name != "reason"}


class SeatsForm(ActForm):
    """How many seats there shall be."""

    seats = forms.IntegerField(
        label=_("Seats in all"), min_value=1, widget=forms.NumberInput(attrs={"class": "input", "autofocus": True})
    )
    field_order = ("seats", "reason")


class RateForm(ActForm):
    """How many people a second are let in; empty: as many as is measured."""

    rate = forms.IntegerField(
        label=_("People a second"),
        min_value=1,
        required=False,
        widget=forms.NumberInput(attrs={"class": "input", "autofocus": True}),
    )
    field_order = ("rate", "reason")


class CompForm(ActForm):
    """Who gets a free seat."""

    email = forms.EmailField(
        label=_("Email of whom it is for"), widget=forms.EmailInput(attrs={"class": "input", "autofocus": True})
    )
    field_order = ("email", "reason")
