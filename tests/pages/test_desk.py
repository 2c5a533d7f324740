"""The operator's overview and orders."""

import pytest

from kaiying.orders.models import Order, Payment, Refund
from kaiying.pages.queries import overview
from kaiying.wire import clock
from tests.factories.groups import seated
from tests.factories.learning import ProgressFactory
from tests.factories.offers import an_offer, tier
from tests.factories.orders import an_order, hear
from tests.factories.people import UserFactory


@pytest.fixture
def offer(stage):
    return an_offer(3, 70, cohort=stage.cohort)


def test_the_overview_counts_seats_money_and_people(stage, offer):
    for _ in range(4):
        hear(an_order(offer))
    an_order(offer)

    page = overview(cohort=stage.cohort, at=clock.now())

    assert (page.ladder.paid, page.ladder.held, page.ladder.seats) == (4, 1, 73)
    assert page.sales.kept.text() == "¥107.40"
    assert (page.enrolled, page.ended) == (5, 0)
    assert len(page.latest) == 5


def test_up_to_sixty_seats_are_drawn_one_by_one_and_more_as_a_bar(stage, offer):
    hear(an_order(offer))
    an_order(offer)

    first, standard = overview(cohort=stage.cohort, at=clock.now()).tiers

    assert first.cells == ["paid", "held", "free"]
    assert standard.cells == []


def test_lessons_are_counted_by_who_finished_them(stage, offer):
    lesson = stage.camp.lessons.get(ref="l1")
    now = clock.now()
    ProgressFactory(enrollment=stage.enrollment, lesson=lesson, completed_at=now)
    ProgressFactory(enrollment=seated(stage.group), lesson=lesson)

    share = overview(cohort=stage.cohort, at=now).lessons[0]

    assert (share.lesson, share.opened, share.finished) == (lesson, 2, 1)


def test_a_cohort_without_an_offer_has_an_overview_too(stage, as_):
    assert as_(stage.operator).get(f"/desk/{stage.cohort.slug}/").status_code == 200


@pytest.mark.parametrize("rows", [1, 3, 30])
def test_the_overview_costs_the_same_whatever_the_crowd(stage, as_, django_assert_num_queries, rows):
    offer = an_offer(20, 20, cohort=stage.cohort)
    for _ in range(rows):
        hear(an_order(offer))
    browser = as_(stage.operator)
    browser.get(f"/desk/{stage.cohort.slug}/")

    with django_assert_num_queries(21):
        browser.get(f"/desk/{stage.cohort.slug}/")


def test_orders_are_found_by_state_number_name_and_address(stage, offer, as_):
    paid = an_order(offer, learner=UserFactory(name="Wang"))
    hear(paid)
    waiting = an_order(offer, learner=UserFactory(name="Zhao", email="zhao@example.org"))
    browser, url = as_(stage.operator), f"/desk/{stage.cohort.slug}/orders/"

    def numbers(query):
        html = browser.get(url + query).content.decode()
        return [order.number for order in (paid, waiting) if order.number in html]

    assert numbers("") == [paid.number, waiting.number]
    assert numbers("?state=paid") == [paid.number]
    assert numbers("?q=zhao@") == [waiting.number]
    assert numbers("?q=Wang") == [paid.number]
    assert numbers(f"?q={paid.number[-4:]}") == [paid.number]
    assert numbers("?q=nobody&state=nonsense&page=x") == []


def test_a_refund_needs_a_reason_and_gives_the_money_back(stage, offer, as_):
    order = an_order(offer)
    hear(order)
    browser, url = as_(stage.operator), f"/desk/{stage.cohort.slug}/orders/{order.number}/refund/"

    assert browser.post(url, {"reason": " "}).status_code == 422
    assert Order.objects.get().state == "paid"
    assert browser.post(url, {"reason": "asked for"}).status_code == 302

    assert Order.objects.get().state in {"refunding", "refunded"}


def test_what_the_provider_turned_down_is_asked_for_again_from_the_list(stage, offer, as_):
    order = an_order(offer)
    hear(order)
    browser, url = as_(stage.operator), f"/desk/{stage.cohort.slug}/orders/{order.number}/refund/"
    browser.post(url, {"reason": "asked for"})
    assert "Refund again" not in browser.get(f"/desk/{stage.cohort.slug}/orders/").content.decode()
    Refund.objects.update(state="failed", reason="asked for (account closed)", done_at=clock.now())
    Payment.objects.update(refunded=0)

    listed, page = browser.get(f"/desk/{stage.cohort.slug}/orders/"), browser.get(url).content.decode()
    assert "Refund again" in listed.content.decode()
    assert "asked for (account closed)" in page
    assert 'name="reason"' not in page
    assert browser.post(url, {"again": "1"}).status_code == 302

    assert list(Refund.objects.order_by("pk").values_list("state", "by")) == [
        ("failed", stage.operator.pk),
        ("asked", stage.operator.pk),
    ]
    assert "There is nothing to refund" in browser.get(url).content.decode()


@pytest.mark.parametrize("typed", ["1.00", "¥1", " １．００ "])
def test_a_part_goes_back_while_the_seat_stays(stage, offer, as_, typed):
    order = an_order(offer)
    hear(order)
    browser, url = as_(stage.operator), f"/desk/{stage.cohort.slug}/orders/{order.number}/refund/"

    answer = browser.post(url, {"how": "part", "amount": typed, "reason": "late", "seen": "0"})

    assert answer.status_code == 302
    assert (Order.objects.get().state, Refund.objects.get().amount) == ("paid", 100)
    page = browser.get(url).content.decode()
    assert "¥1.00 of ¥2.80 returned" in page
    assert "All that is left, ¥1.80" in page
    assert 'name="seen" value="100"' in page


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        *((odd, "Write an amount such as 12.50.") for odd in ("", "x", "1,00", "-1", "1e2", "1.005", "NaN", "9" * 13)),
        ("2.81", "Only ¥2.80 of this order is left to refund."),
        ("0", "Only ¥2.80 of this order is left to refund."),
    ],
)
def test_an_amount_that_cannot_go_back_says_why_and_keeps_what_was_typed(stage, offer, as_, typed, says):
    order = an_order(offer)
    hear(order)
    browser, url = as_(stage.operator), f"/desk/{stage.cohort.slug}/orders/{order.number}/refund/"

    answer = browser.post(
        url, {"how": "part", "amount": typed, "ends_seat": "on", "reason": "Late <start>", "seen": "0"}
    )

    page = " ".join(answer.content.decode().split())
    assert answer.status_code == 422
    assert says in page
    assert f'name="amount" value="{typed}"' in page or not typed
    assert 'value="Late &lt;start&gt;"' in page
    assert 'value="part" checked' in page
    assert 'name="ends_seat" class="check" id="id_ends_seat" checked' in page
    assert not Refund.objects.exists()


def test_an_error_is_in_the_operators_language(stage, offer, as_):
    order = an_order(offer)
    hear(order)
    browser, url = as_(stage.operator), f"/desk/{stage.cohort.slug}/orders/{order.number}/refund/"

    answer = browser.post(
        url, {"how": "part", "amount": "3", "reason": "晚开"}, headers={"accept-language": "zh-CN"}
    ).content.decode()

    assert "这个订单只剩 ¥2.80 可退。" in answer


def test_who_looked_before_somebody_else_refunded_looks_again(stage, offer, as_):
    order = an_order(offer)
    hear(order)
    browser, url = as_(stage.operator), f"/desk/{stage.cohort.slug}/orders/{order.number}/refund/"
    sent = {"how": "part", "amount": "1.00", "reason": "late", "seen": "0"}
    for _press in range(2):
        assert browser.post(url, sent).status_code == 302

    answer = browser.post(url, {**sent, "amount": "0.50"})

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "A refund of this order was started meanwhile." in page
    assert 'name="seen" value="100"' in page
    assert Refund.objects.count() == 1


def test_the_seat_ends_with_a_part_when_the_operator_says_so(stage, offer, as_):
    order = an_order(offer)
    hear(order)
    browser, url = as_(stage.operator), f"/desk/{stage.cohort.slug}/orders/{order.number}/refund/"

    browser.post(url, {"how": "part", "amount": "2", "ends_seat": "on", "reason": "left", "seen": "0"})

    assert (Order.objects.get().state, Order.objects.get().fee) == ("refunding", 80)
    page = browser.get(url).content.decode()
    assert "All that is left, ¥0.80" in page
    assert 'name="ends_seat"' not in page


def test_a_reason_that_is_too_long_stays_in_its_box(stage, offer, as_):
    order = an_order(offer)
    hear(order)
    typed = "because " * 40

    answer = as_(stage.operator).post(f"/desk/{stage.cohort.slug}/orders/{order.number}/refund/", {"reason": typed})

    assert answer.status_code == 422
    assert typed.strip() in answer.content.decode()


def test_a_ladder_may_have_a_tier_without_seats_of_its_own(stage):
    an_offer(cohort=stage.cohort, tiers=[tier("all", "9.00", 5)])

    assert overview(cohort=stage.cohort, at=clock.now()).tiers[0].cells == ["free"] * 5
