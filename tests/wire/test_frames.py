"""Fronts and their writer: what is asked arrives once, in few frames, and everybody hears what became of it."""

import asyncio
import stat
import threading
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar

import pytest

from kaiying.kit.errors import Refused
from kaiying.wire.batcher import Overloaded
from kaiying.wire.frames import Address, BadAddress, Failed, Kind, Link, Server, Unknown
from kaiying.wire.frames.format import BadFrame, Frames, frame
from kaiying.wire.passes import Keys

OURS = Keys.derive("frames", "the secret of this install")
THEIRS = Keys.derive("frames", "the secret of another install")
BOTH = Keys.derive("frames", "the secret of this install", "the secret of another install")


class NoneLeft(Refused):
    """Nothing of that is left."""

    code: ClassVar[str] = "none_left_of_it"
    status: ClassVar[int] = 410
    text = "No %(thing)s is left."


NUMBERS = Kind[int, int]("numbers", pack=lambda n: [n], unpack=lambda p: p[0], pack_result=lambda n: [n], unpack_result=lambda p: p[0])  # fmt: skip
WORDS = Kind[str, str]("words", pack=lambda w: [w], unpack=lambda p: p[0], pack_result=lambda w: [w], unpack_result=lambda p: p[0])  # fmt: skip


class Ledger:
    """Commits numbers by doubling them, and remembers its batches."""

    def __init__(self, *, seconds: float = 0.0) -> None:
        self.batches: list[list[int]] = []
        self.seconds = seconds
        self.gate = threading.Event()
        self.gate.set()

    def commit(self, numbers: list[int]) -> list[int | Exception]:
        self.gate.wait(5)
        time.sleep(self.seconds)
        self.batches.append(list(numbers))
        if -1 in numbers:
            raise ZeroDivisionError("a row that no table takes")
        return [NoneLeft(thing="seat") if n == 0 else n * 2 for n in numbers]

    @property
    def written(self) -> list[int]:
        return [number for batch in self.batches for number in batch]


@pytest.fixture
def place(tmp_path: Path) -> Address:
    return Address(path=str(tmp_path / "w"))


@asynccontextmanager
async def writing(place: Address, ledger: Ledger, keys: Keys = OURS):
    """Serve numbers and words."""
    server = Server(keys=keys)
    server.serve(NUMBERS, ledger.commit)
    server.serve(WORDS, lambda words: [word.upper() for word in words])
    server.listen(place)
    try:
        yield server
    finally:
        ledger.gate.set()
        await server.close()


@asynccontextmanager
async def asking(place: Address, keys: Keys = OURS, **options):
    """Open a front's link."""
    link = Link(place, keys=keys, **options)
    try:
        yield link
    finally:
        await link.close()


async def asked_until_known(remote, item):
    """Ask as a client does that hears 503: again, with the same key."""
    while True:
        try:
            return await remote.ask(item)
        except Unknown:
            await asyncio.sleep(0.01)


async def until(true) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_what_is_asked_together_travels_in_one_frame_and_each_hears_its_own_answer(place):
    ledger = Ledger()
    async with writing(place, ledger) as server, asking(place) as link:
        numbers = link.remote(NUMBERS)

        answers = await asyncio.gather(*(numbers.ask(n) for n in range(1, 101)))

        assert answers == [n * 2 for n in range(1, 101)]
        assert (link.frames, server.frames, server.items) == (1, 1, 100)
        assert ledger.batches == [list(range(1, 101))]
        assert link.waiting == 0


async def test_a_frame_holds_256_items_at_most(place):
    ledger = Ledger()
    async with writing(place, ledger), asking(place) as link:
        numbers = link.remote(NUMBERS)

        answers = await asyncio.gather(*(numbers.ask(n) for n in range(1, 601)))

        assert answers == [n * 2 for n in range(1, 601)]
        assert link.frames == 3
        assert sorted(ledger.written) == list(range(1, 601))


async def test_kinds_share_a_connection_and_keep_apart(place):
    async with writing(place, Ledger()) as server, asking(place) as link:
        numbers, words = link.remote(NUMBERS), link.remote(WORDS)

        assert await asyncio.gather(numbers.ask(4), words.ask("四 four"), numbers.ask(5)) == [8, "四 FOUR", 10]
        assert len(server.visits) == 1


async def test_a_refusal_arrives_as_itself_and_is_worded_where_it_is_read(place):
    async with writing(place, Ledger()), asking(place) as link:
        numbers = link.remote(NUMBERS)

        with pytest.raises(NoneLeft) as refused:
            await numbers.ask(0)

        assert (refused.value.facts, refused.value.status, str(refused.value)) == (
            {"thing": "seat"},
            410,
            "No seat is left.",
        )


async def test_one_item_that_cannot_be_written_does_not_take_its_frame_along(place):
    ledger = Ledger()
    async with writing(place, ledger), asking(place) as link:
        numbers = link.remote(NUMBERS)

        answers = await asyncio.gather(*(numbers.ask(n) for n in (1, -1, 3)), return_exceptions=True)

        assert answers[0] == 2
        assert isinstance(answers[1], Failed)
        assert answers[2] == 6
        assert ledger.batches == [[1, -1, 3], [1], [-1], [3]]


async def test_what_nobody_waits_for_any_more_is_not_written(place):
    ledger = Ledger()
    async with writing(place, ledger), asking(place) as link:
        numbers = link.remote(NUMBERS)
        assert await numbers.ask(1) == 2
        ledger.gate.clear()
        first = asyncio.ensure_future(numbers.ask(2))
        await until(lambda: link.frames == 2)
        late = [asyncio.ensure_future(numbers.ask(n, patience=0.1 if n == 3 else 5)) for n in (3, 4)]
        await asyncio.sleep(0.25)
        ledger.gate.set()

        assert await first == 4
        with pytest.raises(Overloaded):
            await late[0]
        assert await late[1] == 8
        assert ledger.written == [1, 2, 4]


async def test_when_the_writer_dies_those_who_asked_hear_that_nobody_knows_and_ask_again(place):
    ledger = Ledger()
    async with asking(place) as link:
        numbers = link.remote(NUMBERS)
        async with writing(place, ledger) as server:
            ledger.gate.clear()
            asked = asyncio.ensure_future(numbers.ask(7))
            await until(lambda: server.items == 1)
            for visit in list(server.visits):
                visit._abort()

            with pytest.raises(Unknown):
                await asked
        async with writing(place, ledger):
            assert await asked_until_known(numbers, 7) == 14


async def test_what_was_not_sent_when_the_writer_died_waits_for_the_next_one(place):
    ledger = Ledger()
    async with asking(place) as link:
        numbers = link.remote(NUMBERS)
        asked = [asyncio.ensure_future(numbers.ask(n)) for n in (1, 2)]
        await asyncio.sleep(0.05)

        async with writing(place, ledger):
            assert await asyncio.gather(*asked) == [2, 4]


async def test_without_a_writer_patience_ends_with_nothing_written(place):
    async with asking(place) as link:
        began = time.monotonic()

        with pytest.raises(Overloaded) as refused:
            await link.remote(NUMBERS).ask(1, patience=0.1)

        assert type(refused.value) is Overloaded
        assert 0.1 <= time.monotonic() - began < 1


async def test_a_writer_that_falls_silent_leaves_nobody_waiting_for_ever(place, monkeypatch):
    monkeypatch.setattr("kaiying.wire.frames.link.GRACE", 0.1)
    monkeypatch.setattr("kaiying.wire.frames.link.LONGEST_SILENCE", 0.3)
    ledger = Ledger()
    async with writing(place, ledger), asking(place) as link:
        ledger.gate.clear()

        with pytest.raises(Unknown):
            await link.remote(NUMBERS).ask(1, patience=0.1)

        await until(lambda: link.lost == 1)
        ledger.gate.set()
        assert await asked_until_known(link.remote(NUMBERS), 2) == 4


async def test_a_writer_that_said_it_is_full_is_believed_for_a_moment(place, monkeypatch):
    monkeypatch.setattr("kaiying.wire.frames.link.FULL", 0.3)
    ledger = Ledger()
    async with writing(place, ledger), asking(place) as link:
        numbers = link.remote(NUMBERS)
        await numbers.ask(1)
        assert not numbers.is_full
        ledger.gate.clear()
        first = asyncio.ensure_future(numbers.ask(2))
        await until(lambda: link.frames == 2)
        late = asyncio.ensure_future(numbers.ask(3, patience=0.05))
        await asyncio.sleep(0.15)
        ledger.gate.set()

        with pytest.raises(Overloaded):
            await late
        assert numbers.is_full
        assert await numbers.ask(4) == 8  # only who looks first stays away
        assert await first == 4
        await until(lambda: not numbers.is_full)


async def test_more_than_a_front_may_hold_is_refused_at_once(place):
    async with asking(place, most_waiting=10) as link:
        numbers = link.remote(NUMBERS)
        asked = [asyncio.ensure_future(numbers.ask(n, patience=0.1)) for n in range(10)]
        await asyncio.sleep(0)

        with pytest.raises(Overloaded):
            await numbers.ask(11)

        assert {type(one) for one in await asyncio.gather(*asked, return_exceptions=True)} == {Overloaded}
        assert link.waiting == 0


async def test_frames_under_way_are_bounded_and_the_next_one_grows_meanwhile(place):
    ledger = Ledger()
    async with writing(place, ledger), asking(place, most_frames=2) as link:
        numbers = link.remote(NUMBERS)
        assert await numbers.ask(1) == 2
        ledger.gate.clear()
        asked = []
        for n in range(2, 12):
            asked.append(asyncio.ensure_future(numbers.ask(n)))
            await asyncio.sleep(0.01)
        assert link.frames == 3
        ledger.gate.set()

        assert await asyncio.gather(*asked) == [n * 2 for n in range(2, 12)]
        assert link.frames == 4


async def test_a_writer_that_stops_answers_everybody_first(place):
    ledger = Ledger(seconds=0.1)
    async with asking(place) as link:
        numbers = link.remote(NUMBERS)
        async with writing(place, ledger) as server:
            asked = [asyncio.ensure_future(numbers.ask(n)) for n in (1, 2, 3)]
            await until(lambda: server.items == 3)

        assert await asyncio.gather(*asked) == [2, 4, 6]


async def test_a_front_that_is_gone_is_not_written_for(place):
    ledger = Ledger()
    async with writing(place, ledger) as server:
        async with asking(place) as link:
            assert await link.remote(NUMBERS).ask(1) == 2
            ledger.gate.clear()
            blocking = asyncio.ensure_future(link.remote(NUMBERS).ask(2))
            await until(lambda: server.items == 2)
            other = Link(place, keys=OURS)
            gone = asyncio.ensure_future(other.remote(NUMBERS).ask(3))
            await until(lambda: server.items == 3)
            other._wire.abort()
            with pytest.raises(Unknown):
                await gone
            await until(lambda: len(server.visits) == 1)
            ledger.gate.set()
            assert await blocking == 4
        await other.close()

    assert ledger.written == [1, 2]


@pytest.mark.parametrize("tcp", [False, True])
async def test_a_front_of_another_install_is_turned_away(place, tcp, unused_tcp_port, caplog):
    where = Address(host="127.0.0.1", port=unused_tcp_port) if tcp else place
    ledger = Ledger()
    async with writing(where, ledger), asking(where, keys=THEIRS) as stranger:
        with pytest.raises(Overloaded):
            await stranger.remote(NUMBERS).ask(1, patience=0.2)

    assert ledger.written == []
    assert "A front was turned away: the front does not know the secret." in caplog.messages


async def test_a_front_does_not_trust_a_writer_that_only_repeats_what_it_heard(place):
    heard = []

    async def impostor(reader, writer):
        writer.write(frame(["kaiying frames", 1, "0" * 32]))
        said = next(Frames().take(await reader.read(4096)))
        heard.append(said)
        writer.write(frame(["welcome", said[2]]))
        heard.append(await reader.read(4096))
        writer.close()

    server = await asyncio.start_unix_server(impostor, place.path)
    async with asking(place) as link:
        with pytest.raises(Overloaded):
            await link.remote(NUMBERS).ask(1, patience=0.2)
    server.close()

    assert heard[1] == b""


async def test_while_the_secret_changes_fronts_with_either_are_let_in(place):
    async with writing(place, Ledger(), keys=BOTH), asking(place, keys=OURS) as one, asking(place, keys=THEIRS) as two:
        assert await asyncio.gather(one.remote(NUMBERS).ask(1), two.remote(NUMBERS).ask(2)) == [2, 4]


async def test_who_says_nothing_is_hung_up_on(place, monkeypatch):
    monkeypatch.setattr("kaiying.wire.frames.meeting.PATIENCE", 0.1)
    async with writing(place, Ledger()) as server:
        reader, writer = await asyncio.open_unix_connection(place.path)
        await reader.readexactly(4)

        assert b"kaiying frames" in await reader.read()
        assert server.visits == set()
        writer.close()


@pytest.mark.parametrize("said", [b"\xff\xff\xff\xff", b"\0\0\0\3xyz", b"\0\0\0\2{}", b"\0\0\0\2[]"])
async def test_nonsense_is_hung_up_on(place, said):
    async with writing(place, Ledger()) as server:
        reader, writer = await asyncio.open_unix_connection(place.path)
        writer.write(said)

        await reader.read()
        await until(lambda: server.visits == set())
        writer.close()


def test_the_socket_is_its_owners_alone_and_one_left_behind_is_replaced(place):
    for _ in range(2):
        left = place.bind()

        assert stat.S_IMODE(Path(place.path).stat().st_mode) == 0o600
        left.close()  # the file stays, as after a kill


def test_frames_arrive_whole_however_they_were_cut():
    sent = b"".join(frame([n, "四" * n]) for n in range(20))
    for size in (1, 3, 7, 64, len(sent)):
        frames = Frames()

        got = [said for start in range(0, len(sent), size) for said in frames.take(sent[start : start + size])]

        assert got == [[n, "四" * n] for n in range(20)]


def test_a_frame_that_is_too_large_is_neither_made_nor_read():
    with pytest.raises(BadFrame):
        frame(["x" * (1 << 20)])
    with pytest.raises(BadFrame):
        list(Frames().take(frame(["x" * 2000]), largest=1024))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("unix:/run/kaiying/writer.sock", "unix:/run/kaiying/writer.sock"),
        ("10.0.0.5:7101", "tcp://10.0.0.5:7101"),
        ("tcp://writer.lan:7101", "tcp://writer.lan:7101"),
        ("[::1]:7101", "tcp://[::1]:7101"),
    ],
)
def test_an_address_is_read_and_shown(text, shown):
    assert str(Address.parse(text)) == shown


@pytest.mark.parametrize("text", ["", "unix:", "writer.lan", "http://x:1", "x:99999", "x:no"])
def test_an_address_that_names_no_place_is_refused(text):
    with pytest.raises(BadAddress):
        Address.parse(text)


@pytest.mark.figures
async def test_what_an_item_costs_on_each_side(place):
    """CPU of this one process, which is both sides, per item, in full frames."""
    rounds, width = 30, 256
    async with writing(place, Ledger()) as server, asking(place) as link:
        numbers = link.remote(NUMBERS)
        await asyncio.gather(*(numbers.ask(n) for n in range(1, width)))
        began = time.process_time()
        for _ in range(rounds):
            await asyncio.gather(*(numbers.ask(n) for n in range(1, width + 1)))
        micros = (time.process_time() - began) / rounds / width * 1e6

        assert server.items == rounds * width + width - 1
    print(f"{micros:.1f} µs of CPU an item, asker's task, both sides and the batcher together, {width} in a frame")
