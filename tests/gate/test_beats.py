"""Beats: who may send them, what is understood, and that an answer means durable."""

import asyncio
import json
import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from kaiying.gate import beats as gate_beats
from kaiying.learning.actions import end_enrollment
from kaiying.learning.models import Enrollment, Progress
from kaiying.wire import clock
from kaiying.wire.batcher import Batcher
from kaiying.wire.buckets import Buckets
from tests.factories.camps import CohortFactory, DayFactory, LessonFactory
from tests.factories.learning import EnrollmentFactory
from tests.gate.caller import Answer, call, until
from tests.gate.conftest import as_user

OURS = {"origin": "http://testserver", "sec-fetch-site": "same-origin", "content-type": "application/json"}


async def post(gate, said: Any, *, user_id: int = 7, headers: Mapping[str, str] | None = None) -> Answer:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return await call(gate, "POST", "/gate/beats", headers={**as_user(user_id), **OURS, **(headers or {})}, body=body)


def beats(lesson: int = 1, *spans: list[float], **facts: Any) -> dict[str, Any]:
    return {"device": "phone-1", "beats": [{"lesson": lesson, "spans": list(spans), "position": 12.5, **facts}]}


@sync_to_async
def classroom(learners: int = 1) -> tuple[int, list[int]]:
    """Return a lesson that is open and the people who may watch it."""
    begun = clock.now() - timedelta(days=2)
    cohort = CohortFactory(starts_on=begun.date())
    DayFactory(camp=cohort.camp, number=1)
    lesson = LessonFactory(camp=cohort.camp)
    return lesson.pk, [EnrollmentFactory(cohort=cohort, enrolled_at=begun).learner_id for _ in range(learners)]


@sync_to_async
def watched() -> dict[int, int]:
    return dict(Progress.objects.values_list("enrollment__learner_id", "seconds"))


@pytest.mark.django_db(transaction=True)
async def test_what_was_watched_is_durable_when_it_is_answered(gate) -> None:
    lesson, [learner] = await classroom()

    answer = await post(gate, beats(lesson, [0, 10], [20.2, 30]), user_id=learner)

    assert await watched() == {learner: 20}
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    [merged] = answer.json()["merged"]
    assert answer.json()["refused"] == []
    assert merged.pop("position_at")
    assert merged == {
        "lesson": lesson,
        "watched": 20,
        "spans": [[0, 10], [20, 30]],
        "position": 12.5,
        "completed_at": None,
        "length": 120,
        "trimmed": 0,
    }


@pytest.mark.django_db(transaction=True)
async def test_send_beacon_is_understood(gate) -> None:
    lesson, [learner] = await classroom()

    answer = await post(
        gate, beats(lesson, [0, 9]), user_id=learner, headers={"content-type": "text/plain;charset=UTF-8"}
    )

    assert (answer.status, await watched()) == (200, {learner: 9})


@pytest.mark.django_db(transaction=True)
async def test_each_beat_is_merged_or_refused_by_itself_in_the_readers_language(gate) -> None:
    lesson, [learner] = await classroom()
    said = beats(lesson, [0, 9])
    said["beats"].insert(0, {"lesson": 999_999})

    answer = (await post(gate, said, user_id=learner, headers={"accept-language": "en"})).json()

    assert [one["lesson"] for one in answer["merged"]] == [lesson]
    [refused] = answer["refused"]
    assert (refused["place"], refused["lesson"], refused["code"]) == (0, 999_999, "learning.no_lesson")
    assert refused["text"]


@pytest.mark.django_db(transaction=True)
async def test_nobody_watches_for_another_or_after_leaving(gate) -> None:
    lesson, [learner, other] = await classroom(2)
    await sync_to_async(_leave)(other)

    mine = await post(gate, beats(lesson, [0, 9]), user_id=learner)
    theirs = await post(gate, beats(lesson, [0, 9]), user_id=other)
    nobodys = await post(gate, beats(lesson, [0, 9]), user_id=other + 1000)

    assert [len(answer.json()["merged"]) for answer in (mine, theirs, nobodys)] == [1, 0, 0]
    assert await watched() == {learner: 9}


def _leave(learner: int) -> None:
    end_enrollment(enrollment=Enrollment.objects.get(learner_id=learner), at=clock.now(), reason="refunded")


@pytest.mark.django_db(transaction=True)
async def test_a_class_that_watches_together_is_written_in_few_transactions(gate, monkeypatch) -> None:
    lesson, learners = await classroom(40)
    sizes: list[int] = []
    commit = gate_beats.commit
    held = threading.Event()

    def counted(asked):
        held.wait(5)
        sizes.append(len(asked))
        return commit(asked)

    gate.beats.batcher._commit = counted
    tasks = [asyncio.ensure_future(post(gate, beats(lesson, [0, 9]), user_id=one)) for one in learners]
    await until(lambda: gate.beats.batcher.waiting == 39)
    held.set()
    answers = await asyncio.gather(*tasks)

    assert {answer.status for answer in answers} == {200}
    assert await watched() == dict.fromkeys(learners, 9)
    assert sizes == [1, 39]


@pytest.mark.django_db(transaction=True)
async def test_beats_that_break_the_transaction_break_nobody_elses(gate) -> None:
    lesson, [learner, poison] = await classroom(2)
    commit = gate_beats.commit
    held = threading.Event()

    def breaking(asked):
        held.wait(5)
        answers = commit(asked)
        if any(beat.learner_id == poison for one in asked for beat in one):
            raise LookupError
        return answers

    gate.beats.batcher._commit = breaking
    tasks = [
        asyncio.ensure_future(post(gate, beats(lesson, [0, 9]), user_id=one)) for one in (learner, poison, learner)
    ]
    await until(lambda: gate.beats.batcher.waiting == 2)
    held.set()
    answers = await asyncio.gather(*tasks)

    assert [answer.status for answer in answers] == [200, 500, 200]
    assert answers[1].json()["code"] == "failed"


async def refused(gate, status: int, code: str, said: Any = None, **facts: Any) -> Answer:
    answer = await post(gate, beats() if said is None else said, **facts)
    assert (answer.status, answer.json()["code"]) == (status, code)
    assert answer.json()["text"]
    assert answer.headers["cache-control"] == "no-store"
    return answer


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://testserver.evil.example"},
        {"origin": "http://testserver:81"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
    ],
)
async def test_another_sites_page_cannot_send_beats(gate, headers) -> None:
    await refused(gate, 403, "foreign", headers=headers)


async def test_who_does_not_say_where_it_comes_from_is_refused(gate) -> None:
    headers = {**as_user(7), "content-type": "application/json"}

    answer = await call(gate, "POST", "/gate/beats", headers=headers, body=b"{}")

    assert (answer.status, answer.json()["code"]) == (403, "foreign")


@pytest.mark.parametrize("cookie", ["", "ky_pass=", "ky_pass=1.a.b.c", "other=1"])
async def test_who_is_not_signed_in_is_told_so(gate, cookie) -> None:
    await refused(gate, 401, "signed_out", headers={"cookie": cookie})


async def test_who_was_signed_out_everywhere_is_told_so(gate) -> None:
    headers = as_user(7)
    gate.revocations.note({"user": 7, "everywhere": True}, moment=clock.real())

    await refused(gate, 401, "signed_out", headers=headers)


BAD = [
    (b"", "not_json"),
    (b"{", "not_json"),
    (b"[" * 30_000, "not_json"),
    (b"\xff\xfe", "not_json"),
    (b'{"device":"d","beats":[{"lesson":1,"position":NaN}]}', "not_json"),
    (b'{"device":"d","beats":[{"lesson":1,"position":Infinity}]}', "not_json"),
    (b'{"device":"d","beats":[{"lesson":1,"position":1e999}]}', "bad_beats"),
    ([], "bad_beats"),
    ({}, "bad_beats"),
    ({"device": "d"}, "bad_beats"),
    ({"device": "", "beats": []}, "bad_beats"),
    ({"device": "x" * 65, "beats": []}, "bad_beats"),
    ({"device": "a\nb", "beats": []}, "bad_beats"),
    ({"device": "d", "beats": {}}, "bad_beats"),
    ({"device": "d", "beats": [1]}, "bad_beats"),
    ({"device": "d", "beats": [], "learner": 8}, "bad_beats"),
    ({"device": "d", "beats": [{"lesson": 1}] * 201}, "bad_beats"),
    (beats(0), "bad_beats"),
    (beats(2**63), "bad_beats"),
    (beats(lesson=True), "bad_beats"),
    (beats(1.5), "bad_beats"),  # type: ignore[arg-type]
    (beats("1"), "bad_beats"),  # type: ignore[arg-type]
    (beats(1, [5]), "bad_beats"),
    (beats(1, [5, 2]), "bad_beats"),
    (beats(1, [-1, 2]), "bad_beats"),
    (beats(1, [0, 1e9]), "bad_beats"),
    (beats(1, [0, True]), "bad_beats"),
    (beats(1, ["0", "1"]), "bad_beats"),  # type: ignore[list-item]
    (beats(1, *[[0, 1]] * 501), "bad_beats"),
    (beats(1, position="x"), "bad_beats"),
    (beats(1, position=-1), "bad_beats"),
    (beats(1, spans=None), "bad_beats"),
    (beats(1, learner_id=8), "bad_beats"),
    (beats(1, enrollment=8), "bad_beats"),
    (beats(1, completed_at="2026"), "bad_beats"),
    (beats(1, cohort=0), "bad_beats"),
]


@pytest.mark.parametrize(("said", "code"), BAD)
async def test_what_is_not_as_it_should_be_is_refused_whole(gate, said, code) -> None:
    await refused(gate, 400, code, said)


async def test_nothing_to_say_is_fine(gate) -> None:
    answer = await post(gate, {"device": "d", "beats": []})

    assert (answer.status, answer.json()) == (200, {"merged": [], "refused": []})


@pytest.mark.parametrize("length", [None, "70000", "0"])
async def test_too_much_at_once_is_refused(gate, length) -> None:
    await refused(gate, 413, "too_big", b" " * 70_000, headers={"content-length": length} if length else None)


async def test_a_body_that_dawdles_is_refused(gate, monkeypatch) -> None:
    monkeypatch.setattr("kaiying.gate.request.SLOWEST_BODY", 0.02)
    sent: list[dict] = []

    async def receive():
        await asyncio.sleep(5)

    async def send(message) -> None:
        sent.append(message)

    headers = [(name.encode(), value.encode()) for name, value in {**as_user(7), **OURS, "host": "testserver"}.items()]
    scope = {"type": "http", "method": "POST", "path": "/gate/beats", "query_string": b"", "headers": headers}
    await gate(scope, receive, send)

    assert sent[0]["status"] == 408


async def test_who_hangs_up_is_not_answered(gate) -> None:
    sent: list[dict] = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message) -> None:
        sent.append(message)

    headers = [(name.encode(), value.encode()) for name, value in {**as_user(7), **OURS, "host": "testserver"}.items()]
    scope = {"type": "http", "method": "POST", "path": "/gate/beats", "query_string": b"", "headers": headers}
    await gate(scope, receive, send)

    assert sent == []


@pytest.mark.parametrize("kind", ["", "application/x-www-form-urlencoded", "multipart/form-data", "text/html"])
async def test_only_json_is_taken(gate, kind) -> None:
    await refused(gate, 415, "content_type", headers={"content-type": kind})


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "OPTIONS"])
async def test_beats_are_only_posted(gate, method) -> None:
    answer = await call(gate, method, "/gate/beats", headers=as_user(7))

    assert (answer.status, answer.headers["allow"]) == (405, "POST")


async def test_one_person_cannot_send_without_end(gate) -> None:
    gate.beats._limits = Buckets(burst=2, per_second=0.5)
    empty = {"device": "d", "beats": []}
    assert [(await post(gate, empty)).status for _ in range(2)] == [200, 200]

    answer = await refused(gate, 429, "too_often", empty)

    assert answer.headers["retry-after"] == "2"
    assert (await post(gate, empty, user_id=8)).status == 200


async def test_an_overload_is_a_503_that_says_when_to_come_back(gate) -> None:
    gate.beats.batcher = Batcher(gate_beats.commit, most_waiting=0)

    answer = await refused(gate, 503, "overloaded")

    assert int(answer.headers["retry-after"]) >= 1
