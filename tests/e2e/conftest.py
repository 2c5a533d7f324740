"""A running Kaiying and a browser for the tests that play a whole story."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from tests.e2e.house import House, bring_camp, open_cohort


def pytest_collection_modifyitems(items):
    for item in items:
        if "/e2e/" in str(item.path):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def house(tmp_path_factory):
    """Start a fresh install, make its owner by the link it prints, load a camp, open a cohort that runs today."""
    folder = tmp_path_factory.mktemp("house")
    built = House(data=folder / "data")
    built.start()
    link = re.search(r"http://\S+/owner/\S+/", built.log)
    assert link, built.log
    built.owner_link = link.group()
    built.script(
        """
from kaiying.people.actions import become_owner
from kaiying.people.models import User
from kaiying.wire import clock
user = User.objects.create_user("owner@sprint.example", name="Owner")
become_owner(secret=facts["link"].rstrip("/").rpartition("/")[2], user=user, at=clock.now())
print(json.dumps(user.pk))
""",
        link=built.owner_link,
    )
    bring_camp(built, folder / "camp")
    today = datetime.now(UTC).astimezone(ZoneInfo("Asia/Shanghai")).date().isoformat()
    open_cohort(built, number=1, starts_on=today, address="sprint")
    yield built
    built.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call":
        item.went_wrong = report.failed
    return report


@pytest.fixture
def visit(chromium, house, request, tmp_path):
    """Open browsers: ``visit("phone")`` or ``visit("desktop")``, with a language and a theme."""
    opened = []

    def open_one(size="phone", *, language="zh-CN", theme="light"):
        phone = size == "phone"
        context = chromium.new_context(
            base_url=house.url,
            viewport={"width": 390, "height": 844} if phone else {"width": 1440, "height": 900},
            has_touch=phone,
            locale=language,
            color_scheme=theme,
            reduced_motion="reduce",
        )
        context.set_default_timeout(15_000)
        opened.append(context)
        page = context.new_page()
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on(
            "console", lambda said: page.problems.append(said.text) if "Content Security Policy" in said.text else None
        )
        return page

    yield open_one
    for number, context in enumerate(opened):
        if getattr(request.node, "went_wrong", False):
            context.pages[0].screenshot(path=tmp_path / f"{number}.png")
            print(f"browser {number} stood at {context.pages[0].url}: {tmp_path / f'{number}.png'}")
        context.close()


@pytest.fixture
def sign_in(house):
    """Sign in by the code that was mailed."""
    import time

    def by_code(page, address, *, name=""):
        since = time.time() - 1
        if "/sign-in/" not in page.url:
            page.goto("/account/sign-in/")
        page.fill("#id_email", address)
        page.click("form button.btn--pine")
        page.fill("#id_code", house.code_for(address, since=since))
        page.click("button[value=verify]")
        page.wait_for_url(lambda url: "/sign-in/" not in url)
        if name:
            house.script(
                "from kaiying.people.models import User\n"
                "print(json.dumps(User.objects.filter(email=facts['address']).update(name=facts['name'])))",
                address=address,
                name=name,
            )

    return by_code
