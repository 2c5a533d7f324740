"""What holds for every page: the policy, and that names are words, never code."""

import re

import pytest

from kaiying.notices.actions import notify
from kaiying.people.actions import give_role
from kaiying.people.vocabulary import RoleKind
from kaiying.wire import clock
from tests.factories.groups import PostFactory, teacher_of
from tests.factories.offers import an_offer
from tests.factories.orders import an_order, hear
from tests.factories.people import UserFactory

EVIL = "<img src=x onerror=alert(1)>\"'&"


@pytest.fixture
def pages(stage):
    """Give the address of every kind of page with who may see it."""
    give_role(organizer=stage.camp.organizer, user=stage.operator, kind=RoleKind.OWNER)
    offer = an_offer(3, 3, cohort=stage.cohort)
    order = an_order(offer, learner=stage.learner)
    hear(order)
    learn, desk, group = f"/learn/{stage.cohort.slug}/", f"/desk/{stage.cohort.slug}/", f"/class/{stage.group.pk}/"
    at_desk = (
        "",
        "sale/",
        "sale/screen/",
        "sale/acts/comp/",
        "orders/",
        f"orders/{order.number}/refund/",
        "learners/",
        f"learners/{stage.enrollment.pk}/",
    )
    in_class = ("", "wall/", "members/", "supervision/")
    back_office = (
        "",
        "people/user/",
        f"people/user/{stage.learner.pk}/change/",
        "camps/lesson/",
        "camps/cohort/add/",
        "groups/post/",
    )
    return [
        *((stage.learner, learn + end) for end in ("", "welcome/", "course/", "lessons/l1/", "lessons/l9/", "notes/")),
        *(
            (stage.learner, url)
            for url in ("/me/", "/me/settings/", "/notices/", "/orders/", "/account/sign-out/", "/no/such/")
        ),
        (stage.learner, group),
        *((stage.operator, desk + end) for end in at_desk),
        *((stage.operator, group + end) for end in in_class),
        *((stage.operator, "/admin/" + end) for end in back_office),
        (None, "/account/sign-in/"),
        (None, f"/c/{offer.slug}/"),
        (None, "/owner/no-such/"),
    ]


def test_every_page_has_the_strict_policy_and_every_script_its_nonce(stage, pages, as_, client):
    for user, url in pages:
        answer = (as_(user) if user else client).get(url)
        html, policy = answer.content.decode(), answer.headers["Content-Security-Policy"]

        assert "text/html" in answer.headers["Content-Type"], url
        assert "default-src 'none'" in policy, url
        assert "unsafe" not in policy, url
        inline = re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/)[^>]*>", html)
        nonce = re.search(r"'nonce-([^']+)'", policy)
        assert all(nonce and f'nonce="{nonce[1]}"' in tag for tag in inline), url
        assert re.findall(r"\sstyle=\"|\son\w+=\"|javascript:", html) == [], url


def test_the_nonce_is_another_one_each_time(stage, as_):
    browser = as_(stage.learner)

    first, second = (browser.get("/me/").headers["Content-Security-Policy"] for _ in range(2))

    assert first != second or "nonce" not in first


def test_a_name_is_never_code(stage, pages, as_):
    for user in (stage.learner, stage.operator, teacher_of(stage.group)):
        user.name = EVIL[:40]
        user.save()
    PostFactory(group=stage.group, author=stage.learner, body=EVIL, posted_at=stage.on_day(1))
    notify(to=stage.learner, kind="test", title=EVIL, body=EVIL, at=clock.now())

    for user, url in pages:
        if user is not None:
            assert "<img src=x" not in as_(user).get(url).content.decode(), url


def test_a_search_is_never_code(stage, as_):
    for end in ("orders/", "learners/"):
        html = as_(stage.operator).get(f"/desk/{stage.cohort.slug}/{end}", {"q": f'">{EVIL}'}).content.decode()

        assert "<img src=x" not in html


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_pages_speak_the_language_asked_for(stage, as_, language):
    html = as_(stage.learner, **{"accept-language": language}).get("/me/").content.decode()

    assert ("My camps" in html, "我的训练营" in html) == (language == "en", language != "en")


def test_me_lists_camps_and_work(stage, as_):
    learner = as_(stage.learner).get("/me/").content.decode()
    operator = as_(stage.operator).get("/me/").content.decode()
    new = as_(UserFactory()).get("/me/").content.decode()

    assert f"/learn/{stage.cohort.slug}/" in learner
    assert f"/desk/{stage.cohort.slug}/" in operator
    assert "You are not in a camp yet" in new
    assert "/admin/" not in operator
