"""The sale desk in a browser: numbers without a reload, acts in a dialog, and the age of what is shown."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.test_pages import SESSION, enter

pytestmark = pytest.mark.browser

BUYER = """
from kaiying.offers.models import Offer
from kaiying.people.models import User
from kaiying.rehearsal.actions.selling import hold
from kaiying.wire import clock
offer = Offer.objects.select_related("cohort").get(slug="sprint")
user = User.objects.create_user(facts["email"], name="阿宁")
hold(offer=offer, user=user, at=clock.now())
print(json.dumps(offer.cohort.slug))
"""
HELD = "dl.kpis .kpi:nth-child(2) dd"


@pytest.fixture
def desk(visit, house):
    cohort = house.script(BUYER, email="desk-1@sprint.example")
    page = visit("desktop")
    enter(page, house, house.script(SESSION, email="owner@sprint.example"))
    page.goto(f"/desk/{cohort}/sale/")
    return page


def test_the_desk_lives(desk, house):
    def held():
        return int(desk.inner_text(HELD).split()[0])

    before = held()
    house.script(BUYER, email="desk-2@sprint.example")
    # A script given as text would be stopped by the content security policy: the locator asks from outside.
    expect(desk.locator(HELD)).to_have_text(re.compile(rf"^\s*{before + 1}\b"), timeout=5_000)

    desk.click(".live-more summary")
    desk.click("a[data-act][href$='lower/']")
    desk.fill("#act-dialog [name=seats]", "1")
    desk.fill("#act-dialog [name=reason]", "a smaller room")
    desk.click("#act-dialog form button")
    desk.wait_for_selector("#act-dialog [role=alert]")
    assert desk.input_value("#act-dialog [name=reason]") == "a smaller room"
    desk.keyboard.press("Escape")
    desk.wait_for_selector("#act-dialog:not([open])", state="attached")

    desk.click(".live-more summary")
    desk.click("a[data-act][href$='lift/']")
    desk.fill("#act-dialog [name=reason]", "the ledger can answer all")
    desk.click("#act-dialog form button")
    desk.wait_for_selector("a[data-act][href$='restore/']", state="attached")

    desk.click("a[data-act][href$='pause/']")
    desk.fill("#act-dialog [name=reason]", "payments lag")
    desk.click("#act-dialog form button")
    desk.wait_for_selector("a[data-act][href$='resume/']")
    assert "payments lag" in desk.inner_text(".live-news")

    desk.context.set_offline(True)
    desk.wait_for_selector("[data-part=main].is-stale", timeout=16_000)
    desk.context.set_offline(False)
    desk.wait_for_selector("[data-part=main]:not(.is-stale)", timeout=12_000)


def test_on_a_phone_the_menu_and_its_acts_stay_on_the_screen(visit, house):
    cohort = house.script(BUYER, email="desk-3@sprint.example")
    page = visit("phone", language="en-GB")
    enter(page, house, house.script(SESSION, email="owner@sprint.example"))
    page.goto(f"/desk/{cohort}/sale/")
    page.click(".live-more summary")
    assert not sideways(page, ".live-menu")

    page.click("a[data-act][href$='rate/']")
    page.wait_for_selector("#act-dialog [name=reason]")

    assert not sideways(page, "#act-dialog")
    assert not page.evaluate("(box => box.scrollWidth > box.clientWidth)(document.querySelector('#act-dialog'))")


def sideways(page, selector):
    box = page.locator(selector).bounding_box()
    return box["x"] < 0 or box["x"] + box["width"] > 390
