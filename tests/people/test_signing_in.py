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


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_new_address_gets_its_mails_in_the_language_of_the_page(client, language):
    client.post(reverse("account_login"), {"email": "new@example.org"}, headers={"accept-language": language})

    assert User.objects.get(email="new@example.org").language == language


def test_asking_on_another_page_leaves_the_language_somebody_has(client):
    UserFactory(email="known@example.org", language="zh-hans")

    client.post(reverse("account_login"), {"email": "known@example.org"}, headers={"accept-language": "en"})

    assert User.objects.get(email="known@example.org").language == "zh-hans"


def test_the_way_to_a_seat_says_that_the_price_is_kept(client):
    said = "the price you saw is kept"
    english = {"headers": {"accept-language": "en"}}

    assert (
        said
        in client.get(reverse("account_login"), {"next": "/c/debut/claims/?max_price=280"}, **english).content.decode()
    )
    assert said not in client.get(reverse("account_login"), {"next": "/me/"}, **english).content.decode()


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


def test_a_mistyped_address_can_be_corrected(client):
    client.post(reverse("account_login"), {"email": "wrong@example.org"})

    waiting = client.get(reverse("account_login"))
    page = client.get(reverse("account_confirm_login_code")).content.decode()
    again = client.get(reverse("account_login") + "?another=1")

    assert waiting.url == reverse("account_confirm_login_code")  # whoever comes back meanwhile goes on
    assert reverse("account_login") + "?another=1" in page
    assert again.status_code == 200
    assert client.get(reverse("account_confirm_login_code")).status_code == 302


def test_the_code_of_another_address_does_not_sign_in_as_the_first(client):
    code_for(client, "first@example.org")
    code = code_for(client, "second@example.org")

    client.post(reverse("account_confirm_login_code"), {"code": code})

    assert client.session["_auth_user_id"] == str(User.objects.get(email="second@example.org").pk)


def test_after_too_many_wrong_codes_one_is_told_why_one_begins_anew(client):
    code_for(client, "a@example.org")
    for _ in range(5):
        answer = client.post(reverse("account_confirm_login_code"), {"code": "x"})

    assert answer.url == reverse("account_login")
    assert "试得太多了" in client.get(answer.url).content.decode()


def test_a_wrong_code_is_answered_beside_its_box(client):
    code_for(client, "a@example.org")

    html = client.post(reverse("account_confirm_login_code"), {"code": "x"}).content.decode()

    assert "验证码不对" in html
    assert 'aria-invalid="true"' in html


def test_what_was_typed_stays_when_it_is_no_address(client):
    html = client.post(reverse("account_login"), {"email": "me@"}).content.decode()

    assert 'value="me@"' in html
    assert 'aria-invalid="true"' in html


def test_a_closed_account_gets_the_same_answer_and_no_mail(client):
    UserFactory(email="closed@example.org", is_active=False)

    answer = client.post(reverse("account_login"), {"email": "closed@example.org"})
    run_due(at=clock.now())

    assert answer.url == reverse("account_confirm_login_code")
    assert mail.outbox == []


def test_a_new_code_ends_the_one_before(client):
    first = code_for(client, "a@example.org")
    client.post(reverse("account_confirm_login_code"), {"action": "resend"})
    run_due(at=clock.now())
    second = re.search(r"\d{7}", mail.outbox[-1].body).group()

    client.post(reverse("account_confirm_login_code"), {"code": first if first != second else "x"})
    assert "_auth_user_id" not in client.session
    client.post(reverse("account_confirm_login_code"), {"code": second})
    assert "_auth_user_id" in client.session


@pytest.mark.parametrize(("language", "words"), [("zh-CN", "10 分钟内"), ("en", "within 10 minutes")])
def test_the_mail_says_what_to_do_in_both_languages(client, language, words):
    client.post(reverse("account_login"), {"email": "a@example.org"}, headers={"accept-language": language})
    run_due(at=clock.now())

    assert words in mail.outbox[-1].body
    assert settings.KAIYING_URL in mail.outbox[-1].body


def test_the_demo_shows_the_code_and_a_real_install_never_does(client, settings):
    code = code_for(client, "a@example.org")
    url = reverse("account_confirm_login_code")

    assert code not in client.get(url).content.decode()
    settings.KAIYING_DEMO = True
    assert code in client.get(url).content.decode()
