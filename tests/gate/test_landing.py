"""Copies of landing pages: whom they are for, what is never shared, how old they get."""

import asyncio
import gzip
import re
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from threading import Barrier

import pytest
from a2wsgi import WSGIMiddleware
from asgiref.sync import sync_to_async
from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.http import HttpRequest
from django.middleware.csrf import CsrfViewMiddleware

from kaiying.gate.landing import FRESH, MOST_COPIES, RENEWED_AFTER, STALE, Landing
from kaiying.offers.models import Offer, PriceTier
from kaiying.wire import clock
from tests.factories.offers import an_offer
from tests.gate.caller import Answer, call
from tests.gate.conftest import as_user

WORKERS = 4
HOST = {"host": "testserver", "accept-language": "en"}


class Site:
    """The landing pages of the real product behind their copies; counts what Django renders."""

    def __init__(self) -> None:
        self.rendered: list[str] = []
        self.seconds = 1000.0
        self.waits = asyncio.Event()
        self.waits.set()
        self._django = WSGIMiddleware(get_wsgi_application(), workers=WORKERS)
        self.landing = Landing(self._pages, now=lambda: self.seconds)

    async def _pages(self, scope, receive, send) -> None:
        self.rendered.append(scope["path"])
        await self.waits.wait()
        await self._django(scope, receive, send)

    async def __call__(self, scope, receive, send) -> None:
        if not await self.landing.answers(scope, send):
            await self._pages(scope, receive, send)

    async def get(self, url: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Answer:
        return await call(self, method, url, headers={**HOST, **(headers or {})})

    async def settle(self) -> None:
        """Wait until nothing is being rendered."""
        for shelf in list(self.landing._shelves.values()):
            if shelf.making:
                await shelf.making
        await asyncio.sleep(0)


@pytest.fixture
async def site(transactional_db) -> AsyncIterator[Site]:
    one = Site()
    yield one
    await one.settle()
    together = Barrier(WORKERS)  # so that each thread closes the connection it may have
    for _ in range(WORKERS):
        one._django.executor.submit(lambda: (together.wait(), connections.close_all()))
    one._django.executor.shutdown()
    await sync_to_async(connections.close_all)()


@sync_to_async
def a_sale(**facts) -> Offer:
    return an_offer(opens_at=clock.now() - timedelta(hours=1), **facts)


def nonce_of(answer: Answer) -> str:
    """Return the one nonce of a page, in its policy and in all its scripts."""
    found = set(re.findall(r'nonce="([^"]+)"', answer.body.decode()))
    found |= set(re.findall(r"'nonce-([^']+)'", answer.headers["content-security-policy"]))
    [nonce] = found
    return nonce


def tokens_of(answer: Answer) -> set[str]:
    page = answer.body.decode()
    return {
        *re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page),
        *re.findall(r'"X-CSRFToken": "([^"]+)"', page),
    }


def cookie_of(answer: Answer) -> str:
    return re.match(r"csrftoken=(\w+);", answer.headers["set-cookie"])[1]


def is_good(token: str, cookie: str) -> bool:
    """Ask Django's own protection whether a form with this token and cookie would be taken."""
    request = HttpRequest()
    request.method, request.COOKIES["csrftoken"] = "POST", cookie
    request.META |= {"SERVER_NAME": "testserver", "SERVER_PORT": "80", "HTTP_X_CSRFTOKEN": token}
    protection = CsrfViewMiddleware(lambda _request: None)
    protection.process_request(request)
    return protection.process_view(request, lambda _request: None, (), {}) is None


async def test_a_crowd_of_strangers_is_one_rendering(site) -> None:
    offer = await a_sale()

    answers = await asyncio.gather(*(site.get(f"/c/{offer.slug}/") for _ in range(50)))

    assert {answer.status for answer in answers} == {200}
    assert site.rendered == [f"/c/{offer.slug}/"]
    assert all("first seats: the last 30" in answer.body.decode() for answer in answers)


async def test_two_visitors_never_share_a_nonce_a_token_or_a_cookie(site) -> None:
    offer = await a_sale()

    answers = [await site.get(f"/c/{offer.slug}/") for _ in range(20)]

    assert len({nonce_of(answer) for answer in answers}) == 20
    assert len({cookie_of(answer) for answer in answers}) == 20
    assert len(set.union(*(tokens_of(answer) for answer in answers))) == 20
    for answer, other in zip(answers, [*answers[1:], answers[0]], strict=True):
        [token] = tokens_of(answer)
        assert is_good(token, cookie_of(answer))
        assert not is_good(token, cookie_of(other))


async def test_a_copy_is_the_page_as_django_gives_it_but_for_the_secrets(site) -> None:
    offer = await a_sale()

    def plain(answer: Answer) -> str:
        page = answer.body.decode()
        for secret in [nonce_of(answer), *tokens_of(answer), *re.findall(r'name="key"\s+value="(\w+)"', page)]:
            page = page.replace(secret, "secret")
        return re.sub(r'ticket="[^"]+"|now="[^"]+"|\d\d</b>', "", page)

    copy = await site.get(f"/c/{offer.slug}/")
    whole = await site.get(f"/c/{offer.slug}/", {"cookie": "unknown=1"})

    assert plain(copy) == plain(whole)
    theirs = {name: value for name, value in whole.headers.items() if name not in {"set-cookie", "content-length"}}
    ours = {name: value for name, value in copy.headers.items() if name not in {"set-cookie", "content-length"}}
    assert {**ours, "vary": "", "content-security-policy": ""} == {**theirs, "vary": "", "content-security-policy": ""}
    assert int(copy.headers["content-length"]) == len(copy.body)


async def test_a_visitor_keeps_the_secret_their_browser_has(site) -> None:
    offer = await a_sale()
    first = await site.get(f"/c/{offer.slug}/")

    again = await site.get(f"/c/{offer.slug}/", {"cookie": f"csrftoken={cookie_of(first)}"})
    forged = await site.get(f"/c/{offer.slug}/", {"cookie": "csrftoken=<script>"})

    assert cookie_of(again) == cookie_of(first)
    assert is_good(tokens_of(first).pop(), cookie_of(again))
    assert re.fullmatch(r"\w{32}", cookie_of(forged))


@pytest.mark.parametrize(
    "cookie",
    ["sessionid=abc", as_user(7)["cookie"], "messages=hello", "ky_travel=x", "theme=dark; sessionid=", "anything=1"],
    ids=["session", "pass", "messages", "travel", "empty session", "anything"],
)
async def test_whoever_may_be_somebody_gets_a_page_of_their_own(site, cookie) -> None:
    offer = await a_sale()
    await site.get(f"/c/{offer.slug}/")

    await site.get(f"/c/{offer.slug}/", {"cookie": cookie})

    assert len(site.rendered) == 2


async def test_cookies_of_others_in_front_of_us_do_not_matter(site) -> None:
    offer = await a_sale()

    for cookie in ("_ga=1", "__cf_bm=1; cf_clearance=x", "theme="):
        await site.get(f"/c/{offer.slug}/", {"cookie": cookie})

    assert len(site.rendered) == 1


async def test_language_colours_and_host_have_a_copy_each(site, settings) -> None:
    settings.ALLOWED_HOSTS = ["testserver", "other.example"]
    offer = await a_sale()
    asks = [
        {"accept-language": "en"},
        {"accept-language": "zh-CN,zh;q=0.9"},
        {"accept-language": "zh-CN", "cookie": "django_language=en; theme=dark"},
        {"cookie": "theme=dark"},
        {"host": "other.example"},
        {"accept-language": "en-GB,en;q=0.5"},
        {"cookie": "django_language=zh-hans"},
    ]

    pages = [(await site.get(f"/c/{offer.slug}/", ask)).body.decode() for ask in asks]

    shown = [(re.search(r'<html\s+lang="(\S+)"', page)[1], 'data-theme="dark"' in page) for page in pages]
    zh, en = ("zh-hans", False), ("en", False)
    assert shown == [en, zh, ("en", True), ("en", True), en, en, zh]
    assert len(site.rendered) == 4


async def test_a_new_price_is_seen_within_a_second(site) -> None:
    offer = await a_sale(first=30, standard=None)
    assert "¥<" in (await site.get(f"/c/{offer.slug}/")).body.decode()
    await sync_to_async(PriceTier.objects.filter(offer=offer).update)(price=12_300)

    site.seconds += FRESH
    page = (await site.get(f"/c/{offer.slug}/")).body.decode()

    assert "123" in page
    assert len(site.rendered) == 2


async def test_under_a_crowd_nobody_waits_for_the_new_copy(site) -> None:
    offer = await a_sale()
    await site.get(f"/c/{offer.slug}/")
    site.waits.clear()  # from here on rendering takes as long as we like

    site.seconds += RENEWED_AFTER
    await asyncio.gather(*(site.get(f"/c/{offer.slug}/") for _ in range(5)))
    site.seconds += FRESH
    await asyncio.gather(*(site.get(f"/c/{offer.slug}/") for _ in range(5)))
    assert len(site.rendered) == 2

    site.seconds += STALE - FRESH
    late = asyncio.gather(*(site.get(f"/c/{offer.slug}/") for _ in range(5)))
    done, _waiting = await asyncio.wait([late], timeout=0.1)
    assert not done  # too old for anybody
    site.waits.set()
    assert {answer.status for answer in await late} == {200}
    assert len(site.rendered) == 2


async def test_links_from_messengers_are_the_same_page_and_other_questions_are_not(site) -> None:
    offer = await a_sale()
    for query in ("", "?from=groupmessage&isappinstalled=0", "?utm_source=x&utm_campaign="):
        assert (await site.get(f"/c/{offer.slug}/{query}")).status == 200
    assert len(site.rendered) == 1

    for query in ("?page=2", "?from=x&q=1", "?" + "from=x&" * 200, "?%75tm=1"):
        assert (await site.get(f"/c/{offer.slug}/{query}")).status == 200
    assert len(site.rendered) == 5


async def test_what_is_not_there_is_never_kept(site) -> None:
    for number in range(3):
        assert (await site.get(f"/c/nothing-{number}/")).status == 404
        assert (await site.get("/c/x/", {"host": "evil.example"})).status == 400

    assert len(site.landing._shelves) == 0


async def test_only_so_many_copies_are_kept(site) -> None:
    offer = await a_sale()

    async def pages(scope, receive, send) -> None:
        await site._django({**scope, "path": f"/c/{offer.slug}/"}, receive, send)

    landing = Landing(pages)
    for number in range(MOST_COPIES + 3):
        await call(lambda scope, _receive, send: landing.answers(scope, send), "GET", f"/c/{number}/", headers=HOST)

    assert len(landing._shelves) == MOST_COPIES


@pytest.mark.parametrize("path", ["", "numbers/"])
async def test_a_copy_travels_compressed(site, path) -> None:
    offer = await a_sale()

    packed = await site.get(f"/c/{offer.slug}/{path}", {"accept-encoding": "br, gzip"})
    plain = await site.get(f"/c/{offer.slug}/{path}", {"accept-encoding": "gzip;q=0, identity"})

    packed_size = len(packed.body)
    assert (packed.headers["content-encoding"], int(packed.headers["content-length"])) == ("gzip", packed_size)
    packed.body = gzip.decompress(packed.body)
    assert len(packed.body) == len(plain.body)
    assert packed_size < len(plain.body) / 2
    assert "content-encoding" not in plain.headers
    assert is_good(tokens_of(packed).pop(), cookie_of(packed))


async def test_a_head_has_the_size_and_nothing_else(site) -> None:
    offer = await a_sale()

    page, head = await site.get(f"/c/{offer.slug}/"), await site.get(f"/c/{offer.slug}/", method="HEAD")

    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == page.headers["content-length"]


async def test_posting_and_other_pages_below_it_go_to_django(site) -> None:
    offer = await a_sale()

    await site.get(f"/c/{offer.slug}/", method="POST")
    await site.get(f"/c/{offer.slug}/waitlist/")
    await site.get(f"/c/{offer.slug}/", {"authorization": "Basic x"})
    await site.get(f"/c/{offer.slug}/", {"hx-request": "true"})

    assert len(site.rendered) == 4
    assert len(site.landing._shelves) == 0
