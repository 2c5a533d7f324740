"""Films: what they say, how long they last, and that they are made once."""

import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from PIL import Image

from kaiying.camps.actions import filming, make_films, read_camp, scripts_of
from kaiying.camps.actions.films import split_cues
from kaiying.camps.actions.frames import whole
from kaiying.camps.actions.sniffing import seconds_of
from kaiying.camps.actions.stage import wrap
from kaiying.camps.vocabulary import FilmImpossible
from tests.factories.camp_folders import edit, write_camp


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_camp(tmp_path / "small")


def script(folder):
    return scripts_of(read_camp(folder))[0]


def ffmpeg():
    try:
        return filming.ffmpeg()
    except FilmImpossible:
        pytest.skip("NO FFMPEG: install the extra “video” to test films")


def test_only_what_is_seen_or_read_changes_the_key(folder):
    key = script(folder).key

    edit(folder, "lessons/d1-l1.md", "正文第一行", "别的正文")
    edit(folder, "lessons/d1-l1.md", "preview: true", "preview: false")
    assert script(folder).key == key

    edit(folder, "lessons/d1-l1.md", "say: 第二句。", "say: 另一句。")
    assert script(folder).key != key


@pytest.mark.parametrize(
    ("text", "language", "cues"),
    [
        (
            "听见一个原因，动一个地方，看一个数。这就是运营。",
            "zh-hans",
            ["听见一个原因，动一个地方，看一个数。", "这就是运营。"],
        ),
        ("一" * 45 + "。", "zh-hans", ["一" * 16, "一" * 16, "一" * 13 + "。"]),
        (
            "First, listen. Then set a number, do the work and look again.",
            "en",
            ["First, listen.", "Then set a number, do the work and look again."],
        ),
        ("", "en", []),
        ("1.5 times 3,000 is 4,500.", "en", ["1.5 times 3,000 is 4,500."]),
    ],
)
def test_captions_are_split_where_people_breathe(text, language, cues):
    assert split_cues(text, language) == cues


def test_captions_cover_each_slide_in_every_language(folder):
    edit(folder, "lessons/d1-l1.md", "say: 第一句。", "say: 一 < 二 & 三。")

    captions = dict(script(folder).captions)

    assert list(captions) == ["zh-hans", "en"]
    assert captions["zh-hans"] == (
        "WEBVTT\nLanguage: zh-hans\n\n"
        "00:00:00.200 --> 00:00:03.800\n一 &lt; 二 &amp; 三。\n\n"
        "00:00:04.200 --> 00:00:06.800\n第二句。\n"
    )


def test_every_cue_of_the_demo_can_be_read_in_time():
    fastest = 0.0
    for made in scripts_of(read_camp(Path(__file__).parents[2] / "camps/debut")):
        for language, text in made.captions:
            for start, end, words in re.findall(r"(\S+) --> (\S+)\n(.+)", text):
                lasts = seconds(end) - seconds(start)
                fastest = max(fastest, len(words) / lasts / (8.5 if language == "zh-hans" else 26))
                assert len(words) <= (24 if language == "zh-hans" else 70), words
    print(f"\nfastest cue: {fastest:.0%} of what can be read")
    assert fastest <= 1


def seconds(stamp):
    hours, minutes, rest = stamp.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def test_colours_are_those_of_video():
    frame = whole(Image.new("RGB", (1280, 720), "#d94816"))

    assert len(frame) == 1280 * 720 * 3 // 2
    assert (frame[0], frame[1280 * 720], frame[-1]) == (101, 91, 194)


def test_long_titles_break_without_a_mark_at_the_start_of_a_line():
    lines = wrap("一张漏斗表，看出漏在哪一步，再把这一步拆细，直到只剩一个动作", 60, 600, 9, bold=True)

    assert len(lines) > 2
    assert all(line[0] not in "，。、" for line in lines)
    assert wrap("many words in one line that is too long for two", 60, 400, 2)[1].endswith("…")


@pytest.mark.figures
def test_a_film_lasts_exactly_as_long_as_its_slides(folder, tmp_path):
    program = ffmpeg()
    began = time.monotonic()
    reports = []

    [film] = make_films(
        scripts=[script(folder)], cache_folder=tmp_path / "cache", report=lambda *facts: reports.append(facts)
    ).values()

    took = time.monotonic() - began
    told = subprocess.run(
        [program, "-hide_banner", "-i", film.video], capture_output=True, text=True, check=False
    ).stderr
    assert "Duration: 00:00:07.00" in told
    assert "Video: h264" in told
    assert "yuv420p(tv, bt709" in told
    assert "1280x720" in told
    assert "Audio: aac" in told
    assert seconds_of(film.video) == 7
    assert reports[-1] == ("l1", 70, 70)
    head = film.video.read_bytes()[:200_000]
    assert head.index(b"moov") < head.index(b"mdat"), "a player can start before all is there"
    keys = subprocess.run(
        [program, "-hide_banner", "-skip_frame", "nokey", "-i", film.video, "-vf", "showinfo", "-f", "null", "-"],
        capture_output=True, text=True, check=False,
    ).stderr  # fmt: skip
    assert re.findall(r"pts_time:([0-9.]+)", keys) == ["0", "2", "4", "6"]
    with Image.open(film.poster) as poster:
        assert (poster.format, poster.size) == ("WEBP", (1280, 720))
    print(f"\n7 s of film made in {took:.1f} s, {film.video.stat().st_size // 1024} KB")

    stamp = film.video.stat().st_mtime_ns
    make_films(scripts=[script(folder)], cache_folder=tmp_path / "cache")
    assert film.video.stat().st_mtime_ns == stamp, "a film is made once"
    assert sorted(path.suffix for path in (tmp_path / "cache").iterdir()) == [".m4a", ".mp4", ".vtt", ".vtt", ".webp"]


def test_a_film_that_fails_leaves_nothing_half_made(folder, tmp_path, monkeypatch):
    ffmpeg()
    monkeypatch.setattr(filming, "RATE", 0)

    with pytest.raises(FilmImpossible):
        make_films(scripts=[script(folder)], cache_folder=tmp_path / "cache")

    assert not list((tmp_path / "cache").rglob("*.mp4"))


def test_without_ffmpeg_one_is_told_what_to_install(monkeypatch):
    filming.ffmpeg.cache_clear()
    monkeypatch.setattr(filming.importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setattr(shutil, "which", lambda _name: None)

    with pytest.raises(FilmImpossible, match=r"Install kaiying\[video\]"):
        filming.ffmpeg()
    filming.ffmpeg.cache_clear()


def test_the_length_of_what_is_no_video_is_unknown(tmp_path):
    (tmp_path / "x.mp4").write_bytes(b"\0\0\0\x18ftypisom" + b"\0" * 40)

    assert seconds_of(tmp_path / "x.mp4") is None
