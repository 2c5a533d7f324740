"""The sale desk, the big screen, and the acts of an operator on their pages."""

from datetime import timedelta

import pytest
from django.db import connection

from kaiying.kit import periods
from kaiying.offers.actions import close_sale, pause_admission, raise_seats, set_admission_rate
from kaiying.offers.models import Act, Admission, Incident, Offer, Pulse
from kaiying.offers.queries import first_release
from kaiying.offers.queries.pulses import SLOT, floor
from kaiying.orders.actions import comp, place_order, refund
from kaiying.orders.queries import sales
from kaiying.pages.queries.live import Stage, live
from kaiying.wire import clock
from tests.factories.offers import a_claim, an_offer
from tests.factories.orders import hear
from tests.factories.people import UserFactory

FOUR_MINUTES = timedelta(minutes=4, seconds=12)


@pytest.fixture
def now():
    return clock.now()


@pytest.fixture
def offer(stage, now):
    """A sale that opened four minutes ago."""
    return an_offer(3, 70, cohort=stage.cohort, opens_at=now - FOUR_MINUTES)


def sold(offer, count, *, at):
    for _ in range(count):
        order = an_order_at(offer, at=at)
        hear(order, at=at + timedelta(seconds=4))


def an_order_at(offer, *, at, learner=None):
    return place_order(claim=a_claim(offer, at=at, learner=learner), provider_name="sandbox", at=at)


def pulse(offer, *, at, **counts):
    return Pulse.objects.create(offer=offer, at=floor(at, SLOT), source="web-1", **counts)


def texts(page):
    return [line.text for line in page.news]


def test_the_desk_counts_seats_queue_and_money(stage, offer, now):
    sold(offer, 4, at=now - timedelta(minutes=3))
    held = a_claim(offer, at=now - timedelta(minutes=1))
    Admission.objects.filter(offer=offer).update(early=40, issued=12, threshold=20)

    page = live(cohort=stage.cohort, at=now)

    assert page.stage == Stage.LIVE
    assert (page.ladder.paid, page.ladder.held, page.ladder.free, page.queue) == (4, 1, 68, 32)
    assert page.first_release == held.held_until
    assert page.taken.kept.text() == "¥107.40"
    assert page.running == "4 分 12 秒"


def test_the_money_is_what_the_books_say(stage, offer, now):
    sold(offer, 4, at=now - timedelta(minutes=3))
    back = an_order_at(offer, at=now - timedelta(minutes=2))
    hear(back, at=now - timedelta(minutes=1))
    refund(order=back, by=stage.operator, reason="asked for", at=now)
    comp(offer=offer, learner=UserFactory(), by=stage.operator, reason="speaker", at=now)

    page, books = live(cohort=stage.cohort, at=now), sales(stage.cohort)

    assert page.taken.kept.minor == books.kept.minor - books.on_its_way.minor == 3 * 280 + 9_900
    assert page.taken.refunds == 1


def test_a_tier_says_how_fast_it_went_and_when_the_next_is_gone(stage, offer, now):
    opens = offer.opens_at
    sold(offer, 3, at=opens + timedelta(seconds=38))
    for second in range(10, 60, 10):
        pulse(offer, at=now - timedelta(seconds=second), asked=9, held=2)

    first, standard = live(cohort=stage.cohort, at=now).tiers

    assert (first.note, first.cells) == ("38 秒抢完，已付清", ["paid"] * 3)
    # 70 seats at 10 a minute are gone in seven minutes.
    gone = periods.local(now + timedelta(minutes=7), stage.cohort.zone)
    assert (standard.note, standard.cells) == (f"按现速 {gone:%H:%M} 售完", [])


def test_without_claims_in_the_last_minute_nobody_can_say_when_it_is_gone(stage, offer, now):
    assert [tier.note for tier in live(cohort=stage.cohort, at=now).tiers] == [
        "最近一分钟没人抢到",
        "前一档抢完后开始",
    ]


def test_the_chart_shows_rates_of_every_five_seconds_and_what_was_done_when(stage, offer, now):
    sold(offer, 3, at=offer.opens_at + timedelta(seconds=38))
    set_admission_rate(offer=offer, rate=8, by=stage.operator, reason="it goes well", at=now - timedelta(minutes=2))
    pulse(offer, at=now - timedelta(minutes=3), asked=1590, held=30)
    Pulse.objects.create(
        offer=offer, at=floor(now - timedelta(minutes=3), SLOT), source="web-2", asked=10, held=0, slow_ms=40
    )
    pulse(offer, at=now - timedelta(seconds=5), asked=100, held=2)

    chart = live(cohort=stage.cohort, at=now).chart

    assert (chart.peak_asked, chart.now_asked, chart.peak_held, chart.now_held) == ("320", "20", "6", "0.4")
    assert 50 <= len(chart.parts) <= 51
    assert [bar.tone for bar in chart.bars] == ["peak", ""]
    assert [mark.text.partition(" ")[2] for mark in chart.marks] == ["first 席抢完", "放行 8"]
    assert not chart.is_quiet


def test_an_old_sale_shows_five_minutes_or_an_hour(stage, now):
    offer = an_offer(3, 70, cohort=stage.cohort, opens_at=now - timedelta(days=2))
    pulse(offer, at=now - timedelta(minutes=30), asked=120)

    five, hour = (live(cohort=stage.cohort, at=now, span=span).chart for span in (5, 60))

    assert (five.is_quiet, len(five.parts), five.slot) == (True, 60, 5)
    assert (hour.is_quiet, len(hour.parts), hour.slot, hour.peak_asked) == (False, 60, 60, "2")


def test_the_steps_show_what_was_counted_and_no_more(stage, offer, now):
    sold(offer, 2, at=now - timedelta(minutes=3))
    a_claim(offer, at=now)

    unseen = live(cohort=stage.cohort, at=now)
    Offer.objects.update(reserved=50)
    pulse(offer, at=now - timedelta(minutes=1), viewed=200, held=5)
    seen = live(cohort=stage.cohort, at=now)

    assert [(step.name, step.count, step.rate) for step in unseen.steps] == [("抢到", 3, ""), ("付款", 2, "66.7%")]
    assert [(step.name, step.count, step.rate) for step in seen.steps] == [
        ("看到", 200, ""),
        ("预约", 50, "25.0%"),
        ("抢到", 5, "10.0%"),
        ("付款", 2, "40.0%"),
    ]
    assert (unseen.returned, seen.returned) == (0, 2)


def test_what_just_happened_is_told_newest_first_with_who_and_why(stage, offer, now):
    sold(offer, 3, at=offer.opens_at + timedelta(seconds=38))
    raise_seats(offer=offer, seats=80, by=stage.operator, reason="queue", at=now - timedelta(minutes=2))
    pause_admission(offer=offer, by=stage.operator, reason="payments lag", at=now - timedelta(minutes=1))

    page = live(cohort=stage.cohort, at=now)

    assert texts(page) == ["Op 暂停了放行", "Op 把席位从 73 加到 80", "first 席最后一席被抢走", "开售"]
    assert page.news[0].reason == "payments lag"
    assert page.stage == Stage.PAUSED


@pytest.mark.parametrize(
    ("opens", "closes", "seats", "stage_is"),
    [(60, None, 3, "early"), (-60, None, 3, "live"), (-60, None, 1, "sold_out"), (-60, -1, 3, "closed")],
)
def test_each_stage_of_a_sale_has_its_page(stage, as_, now, opens, closes, seats, stage_is):
    offer = an_offer(seats, None, cohort=stage.cohort, opens_at=now + timedelta(seconds=opens))
    if opens < 0:
        a_claim(offer, at=now - timedelta(seconds=30))
    if closes:
        close_sale(offer=offer, by=stage.operator, reason="enough", at=now + timedelta(seconds=closes))

    assert live(cohort=stage.cohort, at=now).stage == stage_is
    for end in ("", "screen/"):
        assert as_(stage.operator).get(f"/desk/{stage.cohort.slug}/sale/{end}").status_code == 200


def test_a_cohort_without_a_sale_says_how_to_begin(stage, as_):
    for end in ("", "screen/"):
        html = as_(stage.operator).get(f"/desk/{stage.cohort.slug}/sale/{end}").content.decode()

        assert "This cohort is not on sale" in html


def test_before_the_opening_the_hash_of_the_draw_is_there_and_the_seed_is_not(stage, as_, now):
    offer = an_offer(3, None, cohort=stage.cohort, opens_at=now + timedelta(hours=1))
    room = Admission.objects.get(offer=offer)

    html = as_(stage.operator).get(f"/desk/{stage.cohort.slug}/sale/").content.decode()

    assert room.commitment in html
    assert room.seed not in html


@pytest.mark.parametrize("rows", [1, 3])
def test_the_desk_costs_the_same_whatever_the_crowd(stage, as_, now, django_assert_num_queries, rows):
    offer = an_offer(1, 40, cohort=stage.cohort, opens_at=now - FOUR_MINUTES)
    sold(offer, rows + 1, at=now - timedelta(minutes=2))
    for second in range(rows):
        pulse(offer, at=now - timedelta(seconds=10 + 5 * second), asked=9, held=2)
        set_admission_rate(offer=offer, rate=8 + second, by=stage.operator, reason="x", at=now)
        Incident.objects.create(offer=offer, began_at=now, ended_at=now, asked=60, answered=3)
    browser, url = as_(stage.operator), f"/desk/{stage.cohort.slug}/sale/"

    # PostgreSQL is also asked how many connections it has.
    with django_assert_num_queries(18 if connection.vendor == "sqlite" else 19):
        browser.get(url, headers={"X-Live": "parts"})


def test_a_page_that_is_open_gets_its_numbers_without_the_frame(stage, offer, as_):
    for end in ("", "screen/"):
        html = as_(stage.operator).get(f"/desk/{stage.cohort.slug}/sale/{end}", headers={"X-Live": "parts"}).content

        assert b"<html" not in html
        assert b'data-part="' in html


def test_the_big_screen_shows_no_person_and_nothing_to_press(stage, offer, as_, now):
    learner = UserFactory(name="Very Secret", email="secret@example.org")
    hear(an_order_at(offer, at=now, learner=learner), at=now)
    pause_admission(offer=offer, by=stage.operator, reason="a reason nobody else reads", at=now)

    html = as_(stage.operator).get(f"/desk/{stage.cohort.slug}/sale/screen/").content.decode()

    assert [
        word for word in ("Very Secret", "secret@", "Op ", "a reason nobody", "<form", "<button") if word in html
    ] == []


def test_an_act_is_done_with_a_reason_and_the_desk_says_so(stage, offer, as_):
    browser, url = as_(stage.operator), f"/desk/{stage.cohort.slug}/sale/"

    answer = browser.post(f"{url}acts/rate/", {"rate": "8", "reason": "payments keep up"})

    assert (answer.status_code, answer.url) == (302, url)
    assert "set admission to 8 a second" in browser.get(url).content.decode()
    assert Act.objects.get().by == stage.operator


def test_what_was_typed_survives_a_refusal(stage, offer, as_, now):
    a_claim(offer, at=now)
    browser, url = as_(stage.operator), f"/desk/{stage.cohort.slug}/sale/acts/lower/"

    refused = browser.post(url, {"seats": "1", "reason": "a smaller room"})
    unsaid = browser.post(url, {"seats": "50", "reason": " "})

    html = refused.content.decode()
    assert (refused.status_code, unsaid.status_code, Act.objects.count()) == (422, 422, 0)
    assert "The lowest possible number is 2" in html
    assert 'value="a smaller room"' in html
    assert 'value="50"' in unsaid.content.decode()


def test_a_seat_is_given_to_an_address_that_was_never_here(stage, offer, as_):
    url = f"/desk/{stage.cohort.slug}/sale/acts/comp/"

    assert as_(stage.operator).post(url, {"email": "Guest@Example.org", "reason": "speaker"}).status_code == 302
    assert as_(stage.operator).post(url, {"email": "guest@example.org", "reason": "speaker"}).status_code == 422

    assert Act.objects.get().facts["seat"] == 4


@pytest.mark.parametrize("kind", ["raise", "lower", "close", "pause", "resume", "rate", "lift", "restore", "comp"])
def test_every_act_says_first_what_it_does_and_who_will_have_done_it(stage, offer, as_, kind):
    html = as_(stage.operator).get(f"/desk/{stage.cohort.slug}/sale/acts/{kind}/").content.decode()

    assert "Written down as done by Op" in html
    assert 'name="reason"' in html


def test_an_act_nobody_knows_is_not_there(stage, offer, as_):
    assert as_(stage.operator).get(f"/desk/{stage.cohort.slug}/sale/acts/burn/").status_code == 404


def test_an_operator_comes_home_to_the_sale_that_runs_and_else_to_the_overview(stage, as_, now):
    browser, overview = as_(stage.operator), f"/desk/{stage.cohort.slug}/"

    assert browser.get("/").url == overview
    offer = an_offer(1, None, cohort=stage.cohort, opens_at=now - FOUR_MINUTES)
    assert browser.get("/").url == f"{overview}sale/"
    hear(an_order_at(offer, at=now), at=now)  # the last seat is paid for
    assert browser.get("/").url == overview


def test_the_rail_says_that_a_sale_is_live(stage, as_, now):
    browser, url = as_(stage.operator), f"/desk/{stage.cohort.slug}/orders/"

    before = browser.get(url).content.decode()
    an_offer(1, None, cohort=stage.cohort, opens_at=now - FOUR_MINUTES)
    after = browser.get(url).content.decode()

    assert ("dot--live" in before, "dot--live" in after) == (False, True)


def test_the_chart_can_be_read_as_a_table(stage, offer, as_, now):
    pulse(offer, at=now - timedelta(seconds=20), asked=1234, held=2, refused=3, shed=45, failed=6)

    html = as_(stage.operator).get(f"/desk/{stage.cohort.slug}/sale/?span=5&table=1").content.decode()

    assert '<svg class="plot' not in html
    assert [cell for cell in ("1,234", ">2<", ">3<", ">45<", ">6<") if cell not in html] == []


def test_the_first_release_is_that_of_the_oldest_hold(offer, now):
    other = an_offer(3, 3, opens_at=now - FOUR_MINUTES)
    a_claim(other, at=now - timedelta(minutes=3))
    first = a_claim(offer, at=now - timedelta(minutes=2))
    a_claim(offer, at=now - timedelta(minutes=1))

    assert first_release(offer) == first.held_until
    assert first_release(an_offer()) is None


def test_the_waiting_room_is_switched_off_and_on_with_a_reason(stage, offer, as_, now):
    browser, desk = as_(stage.operator), f"/desk/{stage.cohort.slug}/sale/"

    assert f"{desk}acts/lift/" in browser.get(desk).content.decode()
    assert browser.post(f"{desk}acts/lift/", {"reason": ""}).status_code == 422
    assert browser.post(f"{desk}acts/lift/", {"reason": "the ledger can answer all"}).status_code == 302
    assert Admission.objects.get().lifted_at is not None

    html = browser.get(desk).content.decode()
    assert f"{desk}acts/restore/" in html
    assert "switched the waiting room off" in html
    assert browser.post(f"{desk}acts/restore/", {"reason": "too many"}).status_code == 302
    assert Admission.objects.get().lifted_at is None
