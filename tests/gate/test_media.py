"""Media files: who may read them, in which pieces, and nothing else."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from django.test import override_settings

from kaiying.gate import media as gate_media
from kaiying.gate.files import CHUNK, OpenFile
from kaiying.wire import clock
from kaiying.wire.media import media_pass, media_url
from tests.gate.caller import call, stream, until
from tests.gate.conftest import as_user

VIDEO = "camps/a/一 1.mp4"
BYTES = bytes(range(256)) * 4


@pytest.fixture(autouse=True)
def root(tmp_path: Path):
    """Lay out a media root, a secret beside it, and links that lead there."""
    root = tmp_path / "media"
    (root / "camps/a").mkdir(parents=True)
    (root / VIDEO).write_bytes(BYTES)
    for name in ("b.vtt", "c.svg", "d.html", "e.bin", "empty.txt"):
        (root / "camps/a" / name).write_bytes(b"" if name == "empty.txt" else b"<svg/>")
    (root / ".hidden").write_bytes(b"secret")
    (tmp_path / "secret.key").write_bytes(b"secret")
    (root / "camps/a/link.mp4").symlink_to(tmp_path / "secret.key")
    (root / "camps/out").symlink_to(tmp_path)
    (root / "camps/in.mp4").symlink_to(root / VIDEO)
    os.mkfifo(root / "camps/a/pipe.mp4")
    with override_settings(MEDIA_ROOT=root):
        yield root


def url(path: str = VIDEO, **facts) -> str:
    return media_url(path, **{"user_id": 7, **facts})


async def test_whoever_the_pass_names_gets_the_whole_file(gate, signed_in) -> None:
    answer = await call(gate, "GET", url(), headers=signed_in)

    assert (answer.status, answer.body) == (200, BYTES)
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["content-length"] == "1024"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["vary"] == "Cookie"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "content-disposition" not in answer.headers


@pytest.mark.parametrize(
    ("asked", "status", "body", "content_range"),
    [
        ("bytes=0-3", 206, BYTES[:4], "bytes 0-3/1024"),
        ("bytes=0-0", 206, BYTES[:1], "bytes 0-0/1024"),
        ("bytes=1020-", 206, BYTES[-4:], "bytes 1020-1023/1024"),
        ("bytes=-4", 206, BYTES[-4:], "bytes 1020-1023/1024"),
        ("bytes=0-99999", 206, BYTES, "bytes 0-1023/1024"),
        ("bytes=0-9,5-12", 206, BYTES[:13], "bytes 0-12/1024"),
        ("bytes=1024-", 416, b"", "bytes */1024"),
        ("bytes=-0", 416, b"", "bytes */1024"),
        ("bytes=9-2", 200, BYTES, None),
        ("lines=1-2", 200, BYTES, None),
    ],
)
async def test_a_range_gets_its_bytes(gate, signed_in, asked, status, body, content_range) -> None:
    answer = await call(gate, "GET", url(), headers={**signed_in, "range": asked})

    assert (answer.status, answer.body) == (status, body)
    assert answer.headers.get("content-range") == content_range
    assert answer.headers["content-length"] == str(len(body))


async def test_several_ranges_come_in_pieces(gate, signed_in) -> None:
    answer = await call(gate, "GET", url(), headers={**signed_in, "range": "bytes=0-1,1000-1001"})

    kind, _, boundary = answer.headers["content-type"].partition("; boundary=")
    assert (answer.status, kind) == (206, "multipart/byteranges")
    assert answer.headers["content-length"] == str(len(answer.body))
    pieces = answer.body.split(f"\r\n--{boundary}".encode())
    assert pieces[0] == b""
    assert pieces[1] == b"\r\nContent-Type: video/mp4\r\nContent-Range: bytes 0-1/1024\r\n\r\n" + BYTES[:2]
    assert pieces[2].endswith(b"bytes 1000-1001/1024\r\n\r\n" + BYTES[1000:1002])
    assert pieces[3] == b"--\r\n"


async def test_head_tells_and_sends_nothing(gate, signed_in) -> None:
    answer = await call(gate, "HEAD", url(), headers={**signed_in, "range": "bytes=0-9"})

    assert (answer.status, answer.body, answer.headers["content-length"]) == (206, b"", "10")


async def test_a_copy_that_is_still_good_is_not_sent_again(gate, signed_in) -> None:
    first = await call(gate, "GET", url(), headers=signed_in)

    by_tag = await call(gate, "GET", url(), headers={**signed_in, "if-none-match": first.headers["etag"]})
    by_date = await call(gate, "GET", url(), headers={**signed_in, "if-modified-since": first.headers["last-modified"]})

    assert [(one.status, one.body) for one in (by_tag, by_date)] == [(304, b"")] * 2
    assert by_tag.headers["etag"] == first.headers["etag"]


async def test_a_range_of_a_file_that_was_replaced_is_the_whole_new_file(gate, signed_in, root) -> None:
    first = await call(gate, "GET", url(), headers=signed_in)
    same = await call(
        gate, "GET", url(), headers={**signed_in, "range": "bytes=0-1", "if-range": first.headers["etag"]}
    )
    (root / VIDEO).write_bytes(b"new")

    answer = await call(
        gate, "GET", url(), headers={**signed_in, "range": "bytes=0-1", "if-range": first.headers["etag"]}
    )

    assert (same.status, same.body) == (206, BYTES[:2])
    assert (answer.status, answer.body) == (200, b"new")


async def test_a_copy_is_kept_privately_and_not_longer_than_the_pass_is_good(gate, signed_in) -> None:
    answer = await call(gate, "GET", url(until=clock.now() + timedelta(seconds=90)), headers=signed_in)
    public = await call(gate, "GET", url(user_id=0))

    kept, seconds, again = answer.headers["cache-control"].split(", ")
    assert (kept, again) == ("private", "must-revalidate")
    assert 80 < int(seconds.removeprefix("max-age=")) <= 90
    assert public.headers["cache-control"].startswith("public, max-age=")
    assert "vary" not in public.headers


@pytest.mark.parametrize(
    ("name", "kind", "disposition"),
    [
        ("b.vtt", "text/vtt; charset=utf-8", None),
        ("c.svg", "image/svg+xml", None),
        ("d.html", "application/octet-stream", "attachment"),
        ("e.bin", "application/octet-stream", "attachment"),
        ("empty.txt", "text/plain; charset=utf-8", None),
    ],
)
async def test_what_we_do_not_know_is_saved_and_nothing_runs(gate, signed_in, name, kind, disposition) -> None:
    answer = await call(gate, "GET", url(f"camps/a/{name}"), headers=signed_in)

    assert (answer.status, answer.headers["content-type"]) == (200, kind)
    assert answer.headers.get("content-disposition") == disposition
    assert "sandbox" in answer.headers["content-security-policy"]


async def refused(gate, address: str, headers: dict[str, str], status: int = 403) -> None:
    answer = await call(gate, "GET", address, headers=headers)
    assert answer.status == status
    assert BYTES not in answer.body
    assert b"secret" not in answer.body
    assert answer.headers["cache-control"] == "no-store"
    assert set(answer.json()) == {"code", "text"}


async def test_the_pass_of_another_person_is_refused(gate, signed_in) -> None:
    await refused(gate, url(user_id=8), signed_in)


async def test_a_pass_without_its_person_is_refused(gate) -> None:
    await refused(gate, url(), {})
    await refused(gate, url(), {"cookie": "ky_pass=1.x.y.z"})


async def test_a_pass_that_is_over_is_refused(gate, signed_in) -> None:
    await refused(gate, url(until=clock.now() - timedelta(milliseconds=1)), signed_in)


async def test_a_pass_for_another_file_or_folder_is_refused(gate, signed_in) -> None:
    other = media_pass("camps/a/b.vtt", user_id=7)
    await refused(gate, f"/media/{other}/{quote(VIDEO)}", signed_in)
    folder = media_pass("camps/b/", user_id=7)
    await refused(gate, f"/media/{folder}/{quote(VIDEO)}", signed_in)


async def test_a_changed_pass_is_refused(gate, signed_in) -> None:
    token = media_pass(VIDEO, user_id=7)
    await refused(gate, f"/media/{token[:-1]}{'A' if token[-1] != 'A' else 'E'}/{quote(VIDEO)}", signed_in)
    await refused(gate, f"/media//{quote(VIDEO)}", signed_in)
    await refused(gate, "/media/", signed_in)


async def test_a_pass_to_a_folder_opens_what_is_in_it(gate, signed_in) -> None:
    token = media_pass("camps/a/", user_id=7)

    assert (await call(gate, "GET", f"/media/{token}/{quote(VIDEO)}", headers=signed_in)).body == BYTES


TRAVERSALS = [
    "camps/a/../../../secret.key",
    "camps/a/..%2f..%2f..%2fsecret.key",
    "camps/a/%2e%2e/%2e%2e/%2e%2e/secret.key",
    "camps/a/%252e%252e/secret.key",
    "camps/a/..\\..\\..\\secret.key",
    "camps/a/....//....//secret.key",
    "camps/a/%00",
    "camps/a/b.vtt%00.mp4",
    "camps/a//b.vtt",
    "camps/a/./b.vtt",
    "camps/a/..",
    "camps/a/",
    "camps/a/link.mp4",
    "camps/a/pipe.mp4",
    "camps/a/%c0%ae%c0%ae/secret.key",
    "camps/a/" + "x" * 600,
    "camps/a/" + "d/" * 200 + "x",
    "camps/a/b.vtt/x",
    "camps/a/nothing.mp4",
]


@pytest.mark.parametrize("path", TRAVERSALS)
async def test_no_path_leaves_the_folder_of_its_pass(gate, signed_in, path) -> None:
    token = media_pass("camps/a/", user_id=7)

    await refused(gate, f"/media/{token}/{path}", signed_in, 404)


async def test_no_link_is_followed_not_even_inside(gate, signed_in) -> None:
    token = media_pass("camps/", user_id=7)

    for path in ("camps/out/secret.key", "camps/out/media/camps/a/b.vtt", "camps/in.mp4", "camps/a", "camps/out"):
        await refused(gate, f"/media/{token}/{path}", signed_in, 404)


def test_twin_a_plain_join_would_follow_all_of_them(root) -> None:
    assert (root / "camps/out/secret.key").read_bytes() == b"secret"
    assert (root / "camps/a/../../../secret.key").read_bytes() == b"secret"
    assert OpenFile.open(root, "camps/out/secret.key") is None
    assert OpenFile.open(root, ".hidden") is None
    assert OpenFile.open(root / "nowhere", "x") is None


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
async def test_only_reading_is_answered(gate, signed_in, method) -> None:
    answer = await call(gate, method, url(), headers=signed_in)

    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_a_pass_that_was_taken_back_is_refused_and_a_new_one_is_good(gate, signed_in) -> None:
    before = url()
    gate.revocations.note({"user": 7, "channels": ["group:1"], "media": ["camps/a/"]}, moment=clock.real())

    await refused(gate, before, signed_in)
    assert (await call(gate, "GET", url(user_id=8), headers=as_user(8))).status == 200
    await asyncio.sleep(0.002)
    assert (await call(gate, "GET", url(), headers=signed_in)).status == 200


async def test_a_download_under_way_is_cut_when_its_pass_is_taken_back(gate, signed_in, root, monkeypatch) -> None:
    monkeypatch.setattr("kaiying.gate.files.CHUNK", 16)
    held = asyncio.Event()
    read = OpenFile.read

    async def slowly(self, start, stop):
        async for chunk in read(self, start, stop):
            yield chunk
            if start == 0 and not held.is_set():
                await held.wait()

    monkeypatch.setattr(OpenFile, "read", slowly)
    async with stream(gate, url(), headers=signed_in) as download:
        await until(lambda: bool(download.answer.body))
        gate.revocations.note({"user": 7}, moment=clock.real())
        held.set()

    assert len(download.answer.body) == 16
    assert not download.answer.ended


async def test_a_slow_download_is_cut_when_the_process_stops(gate, signed_in, monkeypatch) -> None:
    monkeypatch.setattr("kaiying.gate.asgi.GRACE", 0.01)
    held = asyncio.Event()

    async def stuck(_self, _start, _stop):
        yield b"x"
        await held.wait()

    monkeypatch.setattr(OpenFile, "read", stuck)
    async with stream(gate, url(), headers=signed_in) as download:
        await until(lambda: bool(download.answer.body))
        gate.stop()
        async with asyncio.timeout(1):
            await download.task

    assert not download.answer.ended


async def test_a_file_is_read_in_chunks_away_from_the_loop(gate, signed_in, root) -> None:
    (root / VIDEO).write_bytes(os.urandom(3 * CHUNK + 5))

    answer = await call(gate, "GET", url(), headers=signed_in)

    assert answer.body == (root / VIDEO).read_bytes()


async def test_a_file_that_shrinks_under_the_reader_ends_early(gate, signed_in, root, monkeypatch) -> None:
    monkeypatch.setattr(gate_media, "open_file", lambda *_: _shrunk(root))

    answer = await call(gate, "GET", url(), headers=signed_in)

    assert answer.body == BYTES[:10]


async def _shrunk(root: Path) -> OpenFile:
    file = OpenFile.open(root, VIDEO)
    assert file is not None
    os.truncate(root / VIDEO, 10)
    return file


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_no_file_stays_open(gate, signed_in) -> None:
    before = open_files()
    for asked in ("bytes=0-1", "bytes=9999-", "bytes=0-1,5-6", "x"):
        await call(gate, "GET", url(), headers={**signed_in, "range": asked})
    await call(gate, "HEAD", url(), headers=signed_in)
    await refused(gate, f"/media/{media_pass('camps/a/', user_id=7)}/camps/a/link.mp4", signed_in, 404)

    assert open_files() <= before + 1  # the pool's own
