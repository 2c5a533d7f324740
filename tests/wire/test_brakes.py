"""Brakes: how often one account and one network may ask, and who is a network."""

import threading
import time

import pytest

from kaiying.wire.brakes import Brakes, client_address, network_of
from kaiying.wire.buckets import Buckets, Rate


def test_a_bucket_refills_and_the_oldest_are_forgotten() -> None:
    buckets = Buckets[int](burst=1, per_second=1000, most=2)

    assert buckets.wait(1) == 0
    assert 0 < buckets.wait(1) <= 0.001
    for who in (2, 3, 4):
        buckets.wait(who)
    assert len(buckets) == 2


def test_a_bucket_is_emptied_once_however_many_threads_take_from_it() -> None:
    buckets = Buckets[int](burst=500, per_second=0.001)
    let_through: list[int] = []

    def ask() -> None:
        let_through.append(sum(not buckets.wait(7) for _ in range(400)))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(let_through) == 500


def test_waiting_as_long_as_told_is_long_enough() -> None:
    buckets = Buckets[int](burst=2, per_second=20)
    assert [buckets.wait(1), buckets.wait(1)] == [0, 0]

    told = buckets.wait(1)
    time.sleep(told)

    assert 0 < told <= 0.05
    assert buckets.wait(1) == 0


@pytest.mark.parametrize(("text", "rate"), [("300+20/s", Rate(300, 20)), ("1+0.5/s", Rate(1, 0.5)), ("off", None)])
def test_a_rate_is_read(text: str, rate: Rate | None) -> None:
    assert Rate.read(text) == rate


@pytest.mark.parametrize(
    "text", ["", "300", "300+20", "300/s", "0+1/s", "5+0/s", "5+-1/s", "nan+1/s", "inf+1/s", "5+1/m"]
)
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"rate|float"):
        Rate.read(text)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("no address", "no address"),
    ],
)
def test_a_network_is_an_address_or_half_of_one(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("forwarded", "proxies", "address"),
    [
        ("6.6.6.6", 0, "10.0.0.1"),
        ("", 1, "10.0.0.1"),
        ("1.2.3.4", 1, "1.2.3.4"),
        ("6.6.6.6, 1.2.3.4", 1, "1.2.3.4"),
        ("6.6.6.6, 1.2.3.4, 10.0.0.2", 2, "1.2.3.4"),
        ("1.2.3.4", 2, "1.2.3.4"),
        (" , ", 1, "10.0.0.1"),
    ],
)
def test_only_what_our_own_proxies_saw_is_believed(forwarded: str, proxies: int, address: str) -> None:
    assert client_address("10.0.0.1", forwarded, proxies=proxies) == address


def test_who_is_held_back_by_their_network_keeps_what_their_account_may() -> None:
    brakes = Brakes(account=Rate(1, 0.01), network=Rate(1, 0.01))

    assert brakes.wait(1, "192.0.2.1") == 0
    assert brakes.wait(2, "192.0.2.1") > 0
    assert brakes.wait(2, "192.0.2.2") == 0


def test_one_ipv6_household_is_one_network_and_an_unknown_address_is_none() -> None:
    brakes = Brakes(account=None, network=Rate(1, 0.01))

    assert brakes.wait(1, "2001:db8::1") == 0
    assert brakes.wait(2, "2001:db8::2") > 0
    assert [brakes.wait(3, "") for _ in range(9)] == [0] * 9


def test_without_limits_nobody_is_held_back() -> None:
    brakes = Brakes(account=None, network=None)

    assert [brakes.wait(1, "192.0.2.1") for _ in range(1000)] == [0] * 1000


def test_a_captcha_that_does_not_exist_lets_nobody_through(caplog: pytest.LogCaptureFixture) -> None:
    brakes = Brakes(captcha="kaiying.no_such.module")

    assert not brakes.is_person("token", learner_id=1, address="")
    assert not Brakes().is_person("token", learner_id=1, address="")
    assert "failed" in caplog.text
