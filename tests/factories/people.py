"""People for tests."""

import factory
from factory.django import DjangoModelFactory

from kaiying.people.models import Organizer, Role, User
from kaiying.people.vocabulary import RoleKind


class UserFactory(DjangoModelFactory[User]):
    """A person who can sign in by code."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person-{n}@example.org")
    name = factory.Sequence(lambda n: f"Person {n}")
    password = "!"


class OrganizerFactory(DjangoModelFactory[Organizer]):
    """A team that runs camps."""

    class Meta:
        model = Organizer

    slug = factory.Sequence(lambda n: f"team-{n}")
    name = factory.Sequence(lambda n: f"Team {n}")


class RoleFactory(DjangoModelFactory[Role]):
    """An operator of an organizer, unless told otherwise."""

    class Meta:
        model = Role

    organizer = factory.SubFactory(OrganizerFactory)
    user = factory.SubFactory(UserFactory)
    kind = RoleKind.OPERATOR
