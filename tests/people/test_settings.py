"""What people set about themselves."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return UserFactory(name="Old")


@pytest.fixture
def browser(user):
    made = Client(headers={"accept-language": "en"})
    made.force_login(user)
    return made


def test_name_and_language_are_kept(browser, user):
    answer = browser.post(reverse("people:settings"), {"name": "  New \n name ", "language": "en"})

    user.refresh_from_db()
    assert (answer.status_code, user.name, user.language) == (302, "New name", "en")


@pytest.mark.parametrize("typed", [{"name": ""}, {"name": "n" * 41}, {"name": "New", "language": "xx"}])
def test_what_cannot_be_taken_stays_and_changes_nothing(browser, user, typed):
    answer = browser.post(reverse("people:settings"), typed)

    user.refresh_from_db()
    assert (answer.status_code, user.name) == (422, "Old")
    assert f'value="{typed["name"]}"' in answer.content.decode() or not typed["name"]


def test_visitors_sign_in_first(client):
    assert client.get(reverse("people:settings")).url == "/account/sign-in/?next=/me/settings/"


def test_nobody_can_make_themselves_more_than_they_are(browser, user):
    browser.post(reverse("people:settings"), {"name": "New", "is_superuser": "1", "is_staff": "1", "email": "x@y.org"})

    user.refresh_from_db()
    assert (user.is_superuser, user.is_staff, user.email != "x@y.org") == (False, False, True)
