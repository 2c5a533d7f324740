"""The back office: the owner's, dressed as ours, without passwords."""

import re

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import NoReverseMatch, reverse

from kaiying.people.actions import give_role
from kaiying.people.vocabulary import RoleKind
from tests.factories.people import OrganizerFactory, UserFactory

pytestmark = pytest.mark.django_db


def browser(user, **headers):
    made = Client(headers={"accept-language": "en", **headers})
    made.force_login(user)
    return made


@pytest.fixture
def owner():
    user = UserFactory(name="Boss")
    give_role(organizer=OrganizerFactory(), user=user, kind=RoleKind.OWNER)
    return user


def test_visitors_sign_in_by_code_and_come_back(client):
    door = client.get("/admin/camps/lesson/")

    assert client.get(door.url).url == "/account/sign-in/?next=/admin/camps/lesson/"


def test_whoever_is_no_owner_is_told_so():
    staff = UserFactory(is_staff=True)

    answer = browser(staff).get("/admin/", follow=True)

    assert answer.status_code == 403
    assert "open to the owner only" in answer.content.decode()


def test_it_has_our_name_our_tokens_and_our_way_out(owner):
    html = browser(owner).get("/admin/").content.decode()

    assert "Kaiying back office" in html
    assert "web/tokens" in html
    assert "pages/back_office" in html
    assert reverse("account_logout") in html
    assert "password" not in html


def test_it_is_in_chinese_as_well(owner):
    assert "开营后台" in browser(owner, **{"accept-language": "zh-CN"}).get("/admin/").content.decode()


def test_the_chosen_colours_count_here_too(owner):
    client = browser(owner)
    client.cookies["theme"] = "dark"

    answer = client.get("/admin/")

    nonce = re.search(r"'nonce-([^']+)'", answer.headers["Content-Security-Policy"])
    assert nonce
    script = rf'<script nonce="{re.escape(nonce[1])}">\s*document\.documentElement\.dataset\.theme = "dark"'
    assert re.search(script, answer.content.decode())


def test_passwords_and_the_models_of_libraries_are_not_there():
    with pytest.raises(NoReverseMatch):
        reverse("admin:password_change")
    assert {model.__module__.partition(".")[0] for model in admin.site._registry} == {"kaiying"}


def test_every_list_opens_and_can_be_searched(owner):
    client = browser(owner)
    for model, shown in admin.site._registry.items():
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")

        assert client.get(url, {"q": "a"} if shown.search_fields else {}).status_code == 200, url
