"""The whole story in real browsers: from the poster to a class that sees what one says."""

import re
import time

import pytest
from playwright.sync_api import expect

ADDRESS = "buyer@sprint.example"
WATCHED = """
from kaiying.learning.models import Progress
print(json.dumps(Progress.objects.get(enrollment__learner__email=facts["address"]).seconds))
"""


def claim_and_pay(page, sign_in, address, name):
    page.goto("/c/sprint/")
    page.locator(".buybar .btn--ember, .buybar button, .buybar a.btn").first.click()
    page.wait_for_url(re.compile(r"/sign-in/"))  # a visitor is sent there, and comes back to the claim
    sign_in(page, address, name=name)
    confirm = page.locator("button.btn--ember")
    if "/seats/" not in page.url and confirm.count():
        confirm.first.click()
    page.wait_for_url(re.compile(r"/seats/\d+/"))
    page.locator("button.btn--ember").first.click()
    page.wait_for_url(re.compile(r"/pay/sandbox/"))
    page.locator("button.btn--ember").click()
    page.wait_for_url(re.compile(r"/welcome/|/orders/"))
    page.wait_for_url(re.compile(r"/welcome/"), timeout=20_000)


def until(page, expression, *, seconds=15):
    """Ask the page again and again; its policy forbids Playwright's own waiting for an expression."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never came true: {expression}")


def watch(page, seconds):
    page.evaluate("document.querySelector('video').muted = true")
    page.evaluate("document.querySelector('video').play()")
    until(page, f"document.querySelector('video').currentTime >= {seconds}", seconds=30)
    page.evaluate("document.querySelector('video').pause()")


@pytest.mark.figures
def test_from_the_poster_to_the_class(visit, sign_in, house):
    phone = visit("phone")
    claim_and_pay(phone, sign_in, ADDRESS, "小禾")

    phone.goto("/")
    expect(phone).to_have_url(re.compile(r"/learn/[\w-]+/$"))
    expect(phone.locator("h1")).to_contain_text("看清一个数")

    # The second device is open before anything is watched, and hears of it without a reload.
    desktop = visit("desktop")
    sign_in(desktop, ADDRESS)
    lesson = phone.locator("a[href*='/lessons/l1/']").first.get_attribute("href")
    desktop.goto(lesson)
    until(desktop, "customElements.get('live-stream') !== undefined")
    desktop.wait_for_timeout(1500)
    phone.goto(lesson)
    phone.wait_for_selector("video")
    watch(phone, 7)  # the beat of the fifth second has gone; the pause sends the rest
    begun = time.monotonic()
    until(
        desktop,
        "[...document.querySelectorAll('.watch-seen')].some(rect => parseFloat(rect.getAttribute('width')) > 32)",
        seconds=10,
    )
    print(
        f"\nFIGURE a second device shows what was watched {time.monotonic() - begun:.2f} s after the pause on the first"
    )
    assert house.script(WATCHED, address=ADDRESS) >= 5

    # Check in, and a second learner sees it in the class without a reload.
    other = visit("phone")
    claim_and_pay(other, sign_in, "second@sprint.example", "阿澈")
    other.goto("/")
    other.locator(".tabbar a[href*='/class/']").click()
    until(other, "customElements.get('live-stream') !== undefined")
    other.wait_for_timeout(1500)
    phone.goto("/")
    phone.locator("a[href*='/check-ins/']").first.click()
    phone.fill("textarea", "今天的分母是 48,200。")
    phone.locator("main form button.btn--pine, form button.btn--pine").first.click()
    announced = other.locator("[data-fresh]")
    expect(announced).to_contain_text("1", timeout=10_000)
    assert "48,200" not in other.locator("main").inner_text()
    announced.click()
    expect(other.locator("main")).to_contain_text("48,200")
    assert phone.problems == desktop.problems == other.problems == []


def test_a_locked_lesson_says_when_it_opens(visit, sign_in):
    phone = visit("phone")
    sign_in(phone, ADDRESS)
    phone.goto("/")
    course = phone.url + "lessons/l2/"

    answer = phone.goto(course)

    assert answer.status == 403
    assert "第二天的课" not in phone.content()
    expect(phone.locator("main")).to_contain_text("00:00")
