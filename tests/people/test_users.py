"""How a person is shown."""

import pytest

from kaiying.people.models import User


@pytest.mark.parametrize(
    ("name", "initial"),
    [
        ("学员 K", "K"),
        ("学员 a2", "A2"),
        ("小禾", "禾"),
        ("阿澈在路上", "澈"),
        ("苏老师", "苏"),
        ("Ada Lovelace", "A"),
        ("大", "大"),
        ("", "W"),
    ],
)
def test_the_avatar_shows_what_tells_people_apart(name, initial):
    assert User(email="who@example.org", name=name).initial == initial
