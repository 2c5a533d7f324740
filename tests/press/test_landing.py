"""The launch page: what it says, to whom, at which moment."""

import re

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from kaiying.camps.models import Camp, Lesson
from kaiying.offers.actions import join_waitlist, settle_claim
from kaiying.press.models import Article
from kaiying.wire import clock
from kaiying.wire.media import read_media_pass
from tests.factories.camps import CohortFactory, LessonFactory, TeacherFactory, TopicFactory, four_day_camp
from tests.factories.offers import FIRST, MINUTE, OPENS, a_claim, an_offer, tier
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
NOW = OPENS + 10 * MINUTE


@pytest.fixture(autouse=True)
def _at_the_sale():
    with time_machine.travel(NOW, tick=False):
        yield


def page_of(client: Client, offer, **headers: str) -> str:
    response = client.get(reverse("press:landing", args=[offer.slug]), headers=headers)
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode())


def test_an_unknown_address_is_not_found(client):
    assert client.get(reverse("press:landing", args=["nothing"])).status_code == 404


def test_before_the_opening_the_page_counts_down_and_sells_nothing(client):
    offer = an_offer(opens_at=NOW + 90 * MINUTE)

    page = page_of(client, offer)

    assert "即将开抢" in page
    assert "<b>01</b>:<b>30</b>:<b>00</b>" in page.replace(" ", "")
    assert "/claims/" not in page


def test_on_sale_the_count_is_the_ledgers(client):
    offer = an_offer(first=5, standard=10)
    settle_claim(claim_id=a_claim(offer).pk, generation=0, at=NOW)
    a_claim(offer)

    page = page_of(client, offer)

    assert "还剩 3 席" in page
    assert "first 席 共 5 席：1 席已付款，1 席锁定中，3 席可抢" in page
    assert page.count('<i class="paid"></i>') == 2  # one seat, one key
    assert "售完后 ¥99" in page
    assert f'name="max_price" value="{FIRST}"' in page


def test_a_tier_that_ends_by_the_clock_says_so(client):
    first = tier("first", "2.80", 5, ends_at="2026-07-15T22:00:00+08:00")
    offer = an_offer(tiers=[first, tier("standard", "99.00", 5)])

    page = page_of(client, offer)

    assert "售完或 22:00 后 ¥99" in page
    assert "<b>01</b>:<b>50</b>:<b>00</b>" in page.replace(" ", "")


def test_many_seats_are_a_bar(client):
    page = page_of(client, an_offer(first=61, standard=None))

    assert 'class="seatbar"' in page
    assert 'class="seats"' not in page


def test_a_sold_out_sale_offers_the_waitlist(client):
    offer = an_offer(first=1, standard=None)
    a_claim(offer)
    join_waitlist(offer=offer, learner=UserFactory(), max_price=FIRST, at=NOW)

    page = page_of(client, offer)

    assert "席位都有人了" in page
    assert "候补 1 人" in page
    assert reverse("offers:waitlist", args=[offer.slug]) in page


def test_a_closed_sale_sells_nothing(client):
    page = page_of(client, an_offer(closes_at=NOW))

    assert "发售已结束" in page
    assert "/claims/" not in page


def test_who_holds_a_seat_is_led_to_pay(client):
    offer, learner = an_offer(), UserFactory()
    claim = a_claim(offer, learner=learner)
    client.force_login(learner)

    page = page_of(client, offer)

    assert reverse("orders:checkout", args=[claim.pk]) in page
    assert "为你保留到 20:15" in page


def test_the_curriculum_lists_every_day_and_lesson(client):
    offer = an_offer(cohort=CohortFactory(camp=four_day_camp()))
    LessonFactory(camp=offer.cohort.camp, ref="b1", kind="bonus", title={"zh-hans": "加餐课"})
    Lesson.objects.filter(ref="l1").update(is_preview=True)

    page = page_of(client, offer)

    assert all(f"课 l{number}" in page for number in range(1, 10))
    assert "9 节课" in page
    assert "第 1 天" in page
    assert "7 月 16 日 周四" in page.replace("\N{NO-BREAK SPACE}", " ") or "7 月 16 日周四" in page
    assert "加餐 1 节" in page
    assert "02:00" in page


@pytest.mark.parametrize(
    "body",
    [
        "开头\n\n<script>steal()</script><p onclick='x()'>好</p>\n\n## 下一节\n\n[链接](javascript:alert(1))",
        "<p>开头</p><script>steal()</script><h2>下一节</h2><p onclick='x()'><img src=x onerror='y()'>好</p>",
    ],
)
def test_an_article_in_markdown_or_html_cannot_run_script(client, body):
    offer = an_offer()
    voice = {"who": {"zh-hans": "某人"}, "text": {"zh-hans": "<b>一句</b>"}}
    Article.objects.create(
        camp=offer.cohort.camp, ref="launch", title={"zh-hans": "标题"}, body={"zh-hans": body}, voices=[voice]
    )

    page = page_of(client, offer)

    assert "开头" in page
    assert "下一节" in page
    assert "steal" not in page
    assert "onclick" not in page
    assert "onerror" not in page
    assert 'href="javascript' not in page
    assert "&lt;b&gt;一句" in page


def test_pictures_of_an_article_are_there_for_anyone_and_videos_it_names_are_not(client):
    offer = an_offer()
    camp = offer.cohort.camp
    Camp.objects.filter(pk=camp.pk).update(
        media={
            "media/a.png": "camps/mine/1-a.png",
            "media/b.png": "camps/mine/2-b.png",
            "media/l6.mp4": "camps/mine/3.mp4",
        }
    )
    body = "开头 ![图](media/a.png)\n\n## 下一节\n\n<img src='media/b.png' alt='图'> [课](media/l6.mp4) ![课](media/l6.mp4)"
    Article.objects.create(camp=camp, ref="launch", title={"zh-hans": "标题"}, body={"zh-hans": body})

    shown = re.findall(r'<img src="/media/([^/]+)/([^"]+)"', page_of(client, offer))

    assert [path for _token, path in shown] == ["camps/mine/1-a.png", "camps/mine/2-b.png"]
    assert [read_media_pass(token, at=clock.now()).user_id for token, _path in shown] == [0, 0]
    assert "camps/mine/3.mp4" not in page_of(client, offer)


def test_what_messengers_read_has_absolute_addresses(client, settings):
    settings.KAIYING_URL = "https://camp.example"
    offer = an_offer()

    page = page_of(client, offer)

    assert f'property="og:url" content="https://camp.example/c/{offer.slug}/"' in page
    picture = re.search(r'property="og:image" content="https://camp.example([^"]+)"', page)[1].replace("&amp;", "&")
    card = client.get(picture)
    assert (card.status_code, card["Content-Type"]) == (200, "image/png")
    drawn = b"".join(card.streaming_content)
    assert drawn[:8] == b"\x89PNG\r\n\x1a\n"
    assert drawn[16:24] == (1200).to_bytes(4, "big") + (630).to_bytes(4, "big")


def test_the_page_speaks_english_too(client):
    page = page_of(client, an_offer(first=5), **{"Accept-Language": "en"})

    assert "5 seats left" in page
    assert "Test camp" in page


def test_no_style_or_script_stands_in_the_page(client):
    page = page_of(client, an_offer(cohort=CohortFactory(camp=four_day_camp())))

    assert not re.search(r"<[^>]+\sstyle=", page)
    assert not re.search(r"<[^>]+\son\w+=", page)
    assert "<style" not in page


@pytest.mark.parametrize("size", [1, 3])
def test_the_page_costs_the_same_statements_whatever_the_camp(client, size, django_assert_num_queries):
    offer = an_offer(first=10 * size, cohort=CohortFactory(camp=four_day_camp()))
    for place in range(size):
        TeacherFactory(camp=offer.cohort.camp, position=place)
        TopicFactory(camp=offer.cohort.camp, day=place + 1)
        a_claim(offer)
    cache.clear()

    # cohort with camp and offer; lessons, days, article, teachers, topics; the sale (2) for the card and the bar
    with django_assert_num_queries(10):
        page_of(client, offer)


def test_search_engines_are_told_what_is_theirs(client):
    response = client.get("/robots.txt")

    assert (response.status_code, response.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert "Disallow: /account/\n" in response.content.decode()
    assert "Disallow: /c/\n" not in response.content.decode()


def test_the_icons_old_name_leads_to_the_icon(client):
    assert client.get("/favicon.ico").url == "/static/web/icon-180.png"
