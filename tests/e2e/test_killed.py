"""What was acknowledged over the wire stays: after kill -9 of the whole tree, and after answers that got lost.

``python -m bench.faults`` does the same at length, with sick disks, power cuts and a database that is gone.
"""

import random
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.faults.cases import Lab
from bench.faults.killing import at_random
from bench.faults.losing import lost_answers
from bench.faults.tree import Tree

KILLS = 2
BUYERS = 120


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A data folder as a first start leaves it."""
    tree = Tree(tmp_path_factory.mktemp("prepared") / "data", free_ports())
    tree.data.mkdir()
    try:
        tree.start()
        tree.own()
    finally:
        tree.stop()
    return tree.data


@pytest.fixture
def lab(prepared, tmp_path):
    """A house of its own for one case."""
    house = Lab(tmp_path, free_ports(), seed=random.randrange(10**6), template=prepared)
    yield house
    for tree in house.made:
        tree.stop()


def free_ports():
    """Return a port that is free, and the next one too."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def run(case, lab, **how):
    """Run a case in a thread: the browser tests may have left a loop running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(case, lab, **how).result()


def figure(title, result):
    print(
        f"\n{title}: violations {result.verdict.count}, trials {result.verdict.trials}, kills {result.kills},"
        f" unknown {result.verdict.unknown}, seed {result.seed}. {result.note}"
    )


@pytest.mark.figures
def test_every_acknowledged_claim_survives_kill_9_of_the_tree(lab):
    result = run(at_random, lab, kills=KILLS)

    figure("kill -9", result)
    assert result.verdict.shown == []
    assert result.kills == KILLS


@pytest.mark.figures
def test_twin_that_answers_before_the_commit_loses_seats_and_the_judge_says_so(lab):
    lab.twin = "early"

    result = run(at_random, lab, kills=KILLS)

    figure("kill -9, answered before the commit", result)
    assert result.verdict.violations["lost"] > 0


@pytest.mark.figures
def test_who_lost_the_answer_asks_again_with_the_same_key_and_gets_the_same_seat(lab):
    result = run(lost_answers, lab, buyers=BUYERS)

    figure("30 of 100 answers lost", result)
    assert result.verdict.shown == []
    assert result.verdict.unknown > 0


@pytest.mark.figures
def test_twin_without_keys_sells_a_second_seat_to_who_lost_the_answer(lab):
    lab.twin = "keyless"

    result = run(lost_answers, lab, buyers=BUYERS)

    figure("30 of 100 answers lost, keys forgotten", result)
    assert result.verdict.violations["learner_twice"] > 0
