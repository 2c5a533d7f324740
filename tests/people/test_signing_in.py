"""Signing in by a code sent to an address."""

import re

import pytest
from django.conf import settings
from django.core import mail
from django.urls import reverse

from kaiying.outbox.actions import run_due
from kaiying.people.models import User
from kaiying.wire import clock
from kaiying.wire.entry import COOKIE, read_entry
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


def code_for(client, email, **data):
    client.post(reverse("account_login"), {"email": email, **data})
    run_due(at=clock.now())
    return re.search(r"\d{7}", mail.outbox[-1].body).group()


def test_a_new_address_signs_in_with_its_first_code(client):
    code = code_for(client, "New@Example.org")

    answer = client.post(reverse("account_confirm_login_code"), {"code": code})

    assert answer.status_code == 302
    assert client.session["_auth_user_id"] == str(User.objects.get(email="new@example.org").pk)


def test_a_known_address_signs_in_to_the_same_account(client):
    user = UserFactory(email="known@example.org")
    code = code_for(client, "KNOWN@example.org")

    client.post(reverse("account_confirm_login_code"), {"code": code})

    assert client.session["_auth_user_id"] == str(user.pk)
    assert User.objects.count() == 1


def test_known_and_unknown_addresses_get_the_same_answer_and_the_same_mail(client):
    UserFactory(email="known@example.org")

    known = client.post(reverse("account_login"), {"email": "known@example.org"})
    client.cookies.clear()
    unknown = client.post(reverse("account_login"), {"email": "unknown@example.org"})
    run_due(at=clock.now())

    assert (known.status_code, known.url) == (unknown.status_code, unknown.url)
    subjects = [re.sub(r"\d{7}", "", letter.subject) for letter in mail.outbox]
    assert len(subjects) == 2
    assert len(set(subjects)) == 1


def test_a_wrong_code_signs_nobody_in_and_five_of_them_end_the_code(client):
    code = code_for(client, "a@example.org")
    url = reverse("account_confirm_login_code")
    wrong = "0000000" if code != "0000000" else "1111111"

    for _ in range(5):
        client.post(url, {"code": wrong})
    client.post(url, {"code": code})

    assert "_auth_user_id" not in client.session


def test_an_address_gets_five_codes_in_five_minutes_and_no_more(client):
    for _ in range(5):
        client.post(reverse("account_login"), {"email": "a@example.org"})

    refused = client.post(reverse("account_login"), {"email": "a@example.org"})
    run_due(at=clock.now())

    assert refused.status_code == 200
    assert len(mail.outbox) == 5


def test_the_session_is_new_after_signing_in(client):
    code = code_for(client, "a@example.org")
    before = client.session.session_key

    client.post(reverse("account_confirm_login_code"), {"code": code})

    assert client.session.session_key != before


def test_signing_in_hands_out_the_gate_pass_and_signing_out_takes_it_back(client):
    code = code_for(client, "a@example.org")
    client.post(reverse("account_confirm_login_code"), {"code": code})
    user = User.objects.get(email="a@example.org")

    assert read_entry(client.cookies[COOKIE].value, at=clock.now()).user_id == user.pk

    client.post(reverse("account_logout"))

    assert client.cookies[COOKIE].value == ""


def test_the_mail_is_in_the_language_of_the_page(client):
    client.post(reverse("account_login"), {"email": "a@example.org"}, headers={"accept-language": "en"})
    run_due(at=clock.now())

    assert "is your Kaiying code" in mail.outbox[-1].subject


def test_after_signing_in_one_goes_on_where_one_was(client):
    code = code_for(client, "a@example.org", next="/me/settings/")

    answer = client.post(reverse("account_confirm_login_code"), {"code": code, "next": "/me/settings/"})

    assert answer.url == "/me/settings/"


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_never_leads_off_site(client, target):
    code = code_for(client, "a@example.org", next=target)

    answer = client.post(reverse("account_confirm_login_code"), {"code": code, "next": target})

    assert answer.url == settings.LOGIN_REDIRECT_URL
