"""Who may do what for an organizer, and how people look to others."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction
from django.test import RequestFactory

from kaiying.people.actions import give_role
from kaiying.people.models import Role, User
from kaiying.people.queries import can_operate, can_supervise, operated_by, roles_of, viewer_id
from kaiying.people.vocabulary import RoleKind
from tests.factories.people import OrganizerFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("kind", "operates", "supervises"),
    [
        (RoleKind.OWNER, True, True),
        (RoleKind.OPERATOR, True, True),
        (RoleKind.HEAD_TEACHER, False, True),
        (RoleKind.MENTOR, False, False),
    ],
)
def test_a_role_counts_for_its_organizer_only(kind, operates, supervises):
    user, ours, theirs = UserFactory(), OrganizerFactory(), OrganizerFactory()
    give_role(organizer=ours, user=user, kind=kind)

    assert roles_of(user, ours) == {kind}
    assert (can_operate(user, ours), can_supervise(user, ours)) == (operates, supervises)
    assert (can_operate(user, theirs), can_supervise(user, theirs)) == (False, False)
    assert operated_by(user) == ([ours.pk] if operates else [])


def test_giving_a_role_again_changes_nothing():
    user, organizer = UserFactory(), OrganizerFactory()

    give_role(organizer=organizer, user=user, kind=RoleKind.OPERATOR)
    give_role(organizer=organizer, user=user, kind=RoleKind.OPERATOR)

    assert Role.objects.count() == 1
    assert not user.is_superuser


def test_a_visitor_may_nothing():
    organizer = OrganizerFactory()

    assert not can_operate(AnonymousUser(), organizer)
    assert not can_supervise(AnonymousUser(), organizer)


def test_a_visitor_has_no_passes_of_their_own():
    request = RequestFactory().get("/")
    request.user = AnonymousUser()

    assert viewer_id(request) == 0


def test_an_address_is_one_person_whatever_its_case():
    User.objects.create_user("A@Example.org")

    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(email="a@EXAMPLE.org")


@pytest.mark.parametrize(
    ("name", "shown", "initial"),
    [("学员 K", "学员 K", "K"), ("苏老师", "苏老师", "苏"), ("", "someone", "S"), ("Ann B2", "Ann B2", "B2")],
)
def test_people_are_shown_by_their_name_or_the_begin_of_their_address(name, shown, initial):
    user = UserFactory(name=name, email="someone@example.org")

    assert (str(user), user.initial) == (shown, initial)
    assert 1 <= user.color <= 6
