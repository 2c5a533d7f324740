"""What a browser sends to this room."""

from django import forms

from kaiying.offers.actions import KEY


class ClaimForm(forms.Form):
    """A request for a seat: the price that was on the page, and the key of that page."""

    max_price = forms.IntegerField(min_value=0, max_value=10**12)
    key = forms.RegexField(regex=KEY)


class WaitlistForm(forms.Form):
    """The most a person in line agrees to pay."""

    max_price = forms.IntegerField(min_value=0, max_value=10**12)
