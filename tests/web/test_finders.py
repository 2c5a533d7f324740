"""The kit is served as one file, made anew when a part of it changes."""

import os
import re
from pathlib import Path

import pytest
from django.conf import LazySettings

from kaiying.web import finders
from kaiying.web.finders import SERVED_AS, SOURCES, TOKENS, KitFinder


@pytest.fixture
def finder(settings: LazySettings, tmp_path: Path) -> KitFinder:
    settings.KAIYING_DATA = tmp_path
    return KitFinder()


def test_the_parts_are_joined_in_the_order_of_their_names(finder: KitFinder) -> None:
    whole = Path(finder.find(SERVED_AS)).read_text(encoding="utf-8")

    places = [whole.index(part.read_text(encoding="utf-8")) for part in sorted(SOURCES.glob("*.css"))]
    assert places == sorted(places)
    assert len(places) > 15


def test_other_files_are_not_its_business(finder: KitFinder) -> None:
    assert finder.find("web/other.css") == []
    assert finder.find("web/other.css", find_all=True) == []
    assert finder.check() == []


def test_collectstatic_gets_the_kit_and_the_tokens(finder: KitFinder) -> None:
    listed = dict(finder.list([]))

    assert list(listed) == [SERVED_AS, TOKENS]
    for path, storage in listed.items():
        with storage.open(path) as file:
            assert b"--pine" in file.read()
        assert finder.find(path, find_all=True) == [storage.path(path)]


def test_a_changed_or_removed_part_makes_it_anew(
    finder: KitFinder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = tmp_path / "css"
    parts.mkdir()
    monkeypatch.setattr(finders, "SOURCES", parts)
    (parts / "10-b.css").write_text("b{}", encoding="utf-8")
    (parts / "00-a.css").write_text("a{}", encoding="utf-8")
    made = Path(finder.find(SERVED_AS))
    assert made.read_text(encoding="utf-8") == "a{}\nb{}"

    os.utime(made, (1, 1))
    (parts / "10-b.css").unlink()

    assert Path(finder.find(SERVED_AS)).read_text(encoding="utf-8") == "a{}"


def kit() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(SOURCES.glob("*.css")))


def test_an_old_web_view_can_read_it() -> None:
    bare = re.sub(r"/\*.*?\*/", "", kit(), flags=re.DOTALL)

    for word in ("@layer", ":has(", "@container", "color-mix(", "&:", "dvh", ":is(", ":where("):
        assert word not in bare, word


def test_colours_appear_only_among_the_tokens() -> None:
    for path in SOURCES.glob("*.css"):
        if path.name != "10-tokens.css":
            bare = re.sub(r"/\*.*?\*/|url\([^)]*\)", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
            raw = re.findall(r"#[0-9a-fA-F]{3,8}\b|oklch\([^)]*\)|hsla?\([^)]*\)", bare)
            assert set(raw) <= {"#fff"}, path.name  # the white letter on a payment brand


def test_every_whole_percentage_has_a_class() -> None:
    text = kit()

    for share in (0, 1, 38, 100):
        assert f".v-{share}, .n-{share} {{ --v: {share}%; --n: {share}; }}" in text
