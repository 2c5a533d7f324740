"""An opening night in browsers: reserve, wait in line through a pause and a reload, be let in, and have a seat."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.e2e.house import open_cohort
from tests.e2e.test_pages import SESSION, enter

pytestmark = pytest.mark.browser

MEMBER = """
from kaiying.people.models import User
user = User.objects.create_user(facts["email"], name=facts["name"])
print(json.dumps(user.pk))
"""
ACT = """
from kaiying.offers import actions
from kaiying.offers.models import Offer
from kaiying.people.models import User
from kaiying.wire import clock
offer = Offer.objects.get(slug="night")
by = User.objects.get(email="owner@sprint.example")
act = getattr(actions, facts["act"])(offer=offer, by=by, reason="payments lag", at=clock.now())
print(json.dumps(act.pk))
"""
OPEN = """
from kaiying.offers.models import Offer
from kaiying.wire import clock
print(json.dumps(Offer.objects.filter(slug="night").update(opens_at=clock.now())))
"""


@pytest.fixture
def night(house):
    """A sale that opens tomorrow, unless a test opens it."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    day = (tomorrow + timedelta(days=7)).astimezone(ZoneInfo("Asia/Shanghai")).date().isoformat()
    open_cohort(house, number=2, starts_on=day, address="night", sale_opens=tomorrow)


@pytest.fixture
def phone_of(visit, house):
    def come(email, name):
        house.script(MEMBER, email=email, name=name)
        page = visit("phone")
        enter(page, house, house.script(SESSION, email=email))
        return page

    return come


def reserve_and_take_it_back(page):
    page.goto("/c/night/")
    reserve, take_back = (
        page.locator(f"sale-reservation form[data-when={when}] button").last for when in ("open", "standing")
    )
    reserve.click()
    expect(take_back).to_be_visible()
    expect(page.locator("[data-reserved]").first).to_have_text("1")
    take_back.click()
    expect(reserve).to_be_visible()
    reserve.click()
    expect(take_back).to_be_visible()
    page.reload()
    expect(take_back).to_be_visible()


def test_who_reserved_is_drawn_first_and_whoever_comes_later_stands_behind(night, phone_of, house):
    early, late = phone_of("early@sprint.example", "小禾"), phone_of("late@sprint.example", "阿澈")
    reserve_and_take_it_back(early)
    early.goto("/c/night/queue/")
    expect(early.locator("[data-when=early]")).to_be_visible()

    house.script(ACT, act="pause_admission")
    house.script(OPEN)
    # Without a reload: the page hears that the sale is open, and draws its place from the seed.
    expect(early.locator("[data-paused]")).to_be_visible(timeout=20_000)
    expect(early.locator("[data-number]")).to_have_text("1")
    expect(early.locator("[data-back]")).to_be_hidden()
    early.locator("[data-call] button").click()
    expect(early.locator("#called")).to_be_visible()
    expect(early.locator("[data-number]")).to_have_text("1")

    late.goto("/c/night/queue/")
    late.locator("form button.btn--pine").click()
    expect(late.locator("[data-number]")).to_have_text("2")
    late.reload()
    expect(late.locator("[data-number]")).to_have_text("2")

    house.script(ACT, act="resume_admission")
    for page in (early, late):
        page.locator("form button.btn--ember").click(timeout=30_000)
        page.wait_for_url(re.compile(r"/seats/\d+/"))
    assert early.problems == late.problems == []
