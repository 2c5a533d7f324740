"""The one-time link that makes the owner."""

from datetime import timedelta

import pytest
from django.urls import reverse

from kaiying.people.actions import LinkUsedUp, become_owner, issue_owner_link
from kaiying.people.models import OwnerLink, Role
from kaiying.people.vocabulary import RoleKind
from kaiying.wire import clock
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


def secret_of(link):
    return link.rstrip("/").rpartition("/")[2]


def test_whoever_uses_the_link_first_owns_the_install(noon):
    secret = secret_of(issue_owner_link(at=noon))
    user = UserFactory()

    become_owner(secret=secret, user=user, at=noon)

    assert Role.objects.get().kind == RoleKind.OWNER
    user.refresh_from_db()
    assert (user.is_staff, user.is_superuser) == (True, True)


def test_the_link_works_once(noon):
    secret = secret_of(issue_owner_link(at=noon))
    become_owner(secret=secret, user=UserFactory(), at=noon)

    with pytest.raises(LinkUsedUp):
        become_owner(secret=secret, user=UserFactory(), at=noon)

    assert Role.objects.count() == 1


def test_the_link_ends_after_two_days(noon):
    secret = secret_of(issue_owner_link(at=noon))

    with pytest.raises(LinkUsedUp):
        become_owner(secret=secret, user=UserFactory(), at=noon + timedelta(days=2))


def test_a_new_link_ends_the_one_before(noon):
    first = secret_of(issue_owner_link(at=noon))
    issue_owner_link(at=noon)

    with pytest.raises(LinkUsedUp):
        become_owner(secret=first, user=UserFactory(), at=noon)


def test_no_link_is_made_once_there_is_an_owner(noon):
    become_owner(secret=secret_of(issue_owner_link(at=noon)), user=UserFactory(), at=noon)

    assert issue_owner_link(at=noon) is None


def test_the_secret_is_not_kept(noon):
    secret = secret_of(issue_owner_link(at=noon))

    assert secret not in OwnerLink.objects.get().digest


def test_opening_the_page_uses_nothing_up(client):
    secret = secret_of(issue_owner_link(at=clock.now()))
    user = UserFactory()
    client.force_login(user)

    assert client.get(reverse("people:owner_link", args=[secret])).status_code == 200
    client.post(reverse("people:owner_link", args=[secret]))

    assert Role.objects.get().user == user


def test_a_link_that_is_over_says_so(client):
    assert client.get(reverse("people:owner_link", args=["not-ours"])).status_code == 410
