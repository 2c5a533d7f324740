"""Every room says everything in Chinese, in the house's way of writing it."""

import importlib.util
import re
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent
HAN = r"[\u4e00-\u9fff]"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%|\{\w*\}|<[^>]+>|https?://\S+")
BAD_SETTING = [
    (re.compile(rf"{HAN}[,;:?!](?!//)|[,;?!]{HAN}"), "half-width punctuation next to Han"),
    (re.compile(r"[！!]"), "an exclamation mark"),
    (re.compile(rf"{HAN}[A-Za-z0-9]|[A-Za-z0-9]{HAN}"), "no space between Han and Latin or digits"),
    (re.compile(r"[，。：；？、“”《》（）] | [，。：；？、“”《》（）]"), "a space next to full-width punctuation"),
    (re.compile(r"亲|哦|呢|您"), "a word we do not use"),
]


def _load() -> ModuleType:
    loader = SourceFileLoader("catalog", str(ROOT / "bin" / "catalog"))
    spec = importlib.util.spec_from_loader("catalog", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    sys.modules["catalog"] = module  # dataclasses look their module up
    loader.exec_module(module)
    return module


catalog = _load()
ROOMS = catalog.rooms()


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_every_msgid_has_its_chinese(room: Path) -> None:
    assert catalog.faults(room) == []


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_the_chinese_is_set_as_the_house_sets_it(room: Path) -> None:
    found = []
    for (_context, msgid), words in catalog.written_in(room).items():
        bare = PLACEHOLDER.sub("\N{ZERO WIDTH SPACE}", words)
        found += [f"{why}: {words!r} ({msgid!r})" for pattern, why in BAD_SETTING if pattern.search(bare)]

    assert found == []


def test_a_msgid_has_one_chinese_in_all_rooms_because_django_keeps_one() -> None:
    said: dict[tuple[str, str], set[str]] = {}
    for room in ROOMS:
        for key, words in catalog.written_in(room).items():
            said.setdefault(key, set()).add(words)

    assert {key: words for key, words in said.items() if len(words) > 1} == {}


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A house with one room and a room inside it."""
    monkeypatch.setattr(catalog, "ROOT", tmp_path)
    monkeypatch.setattr(catalog, "HOUSE", tmp_path / "kaiying")
    room = tmp_path / "kaiying" / "camps"
    (room / "templates" / "camps").mkdir(parents=True)
    (room / "inner").mkdir()
    (room / "apps.py").write_text("", encoding="utf-8")
    (room / "inner" / "apps.py").write_text('_("Inside")', encoding="utf-8")
    (room / "models.py").write_text(
        'label = _("camp")\ncount = ngettext("%(n)d seat", "%(n)d seats", n)\nmonth = pgettext("calendar", "May")\n',
        encoding="utf-8",
    )
    (room / "templates" / "camps" / "show.html").write_text(
        "{% load i18n %}\n    <p>中文 {% translate 'Today' %}</p>\n  {% blocktranslate trimmed count n=n %}\n    {{ n }} day\n"
        "  {% plural %}\n    {{ n }} days\n  {% endblocktranslate %}\n{# note #} it's {{ _('Now') }}",
        encoding="utf-8",
    )
    return room


def test_msgids_come_from_code_and_templates(house: Path) -> None:
    said = catalog.said_in(house)

    assert set(said) == {
        ("", "camp"),
        ("", "%(n)d seat"),
        ("calendar", "May"),
        ("", "Today"),
        ("", "%(n)s day"),
        ("", "Now"),
    }
    assert said["", "%(n)s day"].plural == "%(n)s days"
    assert set(catalog.said_in(house / "inner")) == {("", "Inside")}


def test_an_update_keeps_translations_and_drops_what_is_no_longer_said(house: Path) -> None:
    catalog.update(house)
    po = catalog.po_path(house)
    text = po.read_text(encoding="utf-8").replace('msgid "camp"\nmsgstr ""', 'msgid "camp"\nmsgstr "营期"')
    po.write_text(text + '\nmsgid "gone"\nmsgstr "没了"\n', encoding="utf-8")

    assert "stale: 'gone'" in "\n".join(catalog.faults(house))
    assert "1 stale removed" in catalog.update(house)
    assert catalog.written_in(house)["", "camp"] == "营期"
    assert ("", "gone") not in catalog.written_in(house)
    before = po.read_text(encoding="utf-8")
    catalog.update(house)
    assert po.read_text(encoding="utf-8") == before


def test_a_check_names_what_is_missing_and_what_lost_its_placeholder(house: Path) -> None:
    catalog.update(house)
    po = catalog.po_path(house)
    po.write_text(
        po.read_text(encoding="utf-8").replace(
            'msgid_plural "%(n)d seats"\nmsgstr[0] ""', 'msgid_plural "%(n)d seats"\nmsgstr[0] "席"'
        ),
        encoding="utf-8",
    )

    faults = "\n".join(catalog.faults(house))

    assert "camps: no Chinese: 'camp'" in faults
    assert "camps: other placeholders: '%(n)d seat'" in faults
    assert catalog.main(["--check", "camps"]) == 1


def test_a_compiled_catalogue_can_be_read(house: Path) -> None:
    import gettext

    catalog.update(house)
    po = catalog.po_path(house)
    po.write_text(
        po.read_text(encoding="utf-8").replace('"%(n)d seats"\nmsgstr[0] ""', '"%(n)d seats"\nmsgstr[0] "%(n)d 席"'),
        encoding="utf-8",
    )

    assert catalog.main(["--compile", "camps"]) == 0

    with po.with_suffix(".mo").open("rb") as file:
        words = gettext.GNUTranslations(file)
    assert words.ngettext("%(n)d seat", "%(n)d seats", 5) == "%(n)d 席"


def test_the_same_words_are_translated_alike_in_every_room():
    """Django merges the catalogues of all rooms: of two translations one would win everywhere, by chance."""
    seen = {}
    for path in sorted((ROOT / "kaiying").rglob("locale/zh_Hans/LC_MESSAGES/django.po")):
        with path.open("rb") as stream:
            for entry in read_po(stream):
                if entry.id:
                    seen.setdefault((entry.context, str(entry.id)), set()).add(str(entry.string))

    assert {key: words for key, words in seen.items() if len(words) > 1} == {}
