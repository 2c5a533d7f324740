"""The house rules that a linter does not know; see ARCHITECTURE.md."""

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models

HOUSE = Path(__file__).parent.parent / "kaiying"
LAYERS = [
    {"config"},
    {"rehearsal"},
    {"gate", "pages"},
    {"orders", "groups"},
    {"offers", "learning", "press"},
    {"camps"},
    {"notices"},
    {"people"},
    {"outbox", "web"},
    {"wire"},
    {"kit"},
]
HEIGHT = {room: len(LAYERS) - level for level, rooms in enumerate(LAYERS) for room in rooms}
ROOM_FILES = {
    "__init__", "vocabulary", "models", "queries", "actions", "forms", "api", "views", "tasks", "management",
    "admin", "urls", "apps", "migrations", "templatetags", "providers", "middleware", "context",
    "adapter", "account_urls", "backends",
}  # fmt: skip
FREE_FORM = {"config", "web", "wire", "kit", "gate", "rehearsal"}
FORBIDDEN = {"utils", "helpers", "services", "common", "mixins", "signals"}
SHARED = {"models", "queries", "actions", "vocabulary"}

MODULES = sorted(path for path in HOUSE.rglob("*.py") if "migrations" not in path.parts)
TEMPLATES = sorted(HOUSE.rglob("templates/**/*.html")) + sorted(HOUSE.rglob("templates/**/*.txt"))
SCRIPTS = sorted(path for path in HOUSE.rglob("static/**/*.js") if "vendor" not in path.parts)
SHEETS = sorted(path for path in HOUSE.rglob("*.css") if "vendor" not in path.parts)


def lines(path):
    return path.read_text(encoding="utf-8").splitlines()


def too_long(paths, limit):
    return {str(path.relative_to(HOUSE)): len(lines(path)) for path in paths if len(lines(path)) > limit}


def room_of(path):
    return path.relative_to(HOUSE).parts[0]


def test_no_module_is_longer_than_400_lines():
    assert too_long(MODULES, 400) == {}


def test_no_template_is_longer_than_150_lines():
    assert too_long(TEMPLATES, 150) == {}


def test_no_script_is_longer_than_150_lines():
    assert too_long(SCRIPTS, 150) == {}


def test_every_room_stands_on_one_layer():
    rooms = {path.name for path in HOUSE.iterdir() if path.is_dir() and path.name not in {"__pycache__", "locale"}}

    assert rooms == set(HEIGHT)


def test_rooms_use_the_same_file_names():
    strange = {
        str(path.relative_to(HOUSE))
        for path in MODULES
        if room_of(path) in HEIGHT
        and room_of(path) not in FREE_FORM
        and path.relative_to(HOUSE).parts[1].removesuffix(".py") not in ROOM_FILES
    }

    assert strange == set()


def test_no_module_is_called_by_a_name_that_says_nothing():
    assert [str(path) for path in MODULES if path.stem in FORBIDDEN] == []


def test_rooms_reach_into_each_other_only_by_their_shared_modules():
    found = []
    for path in MODULES:
        room = room_of(path)
        if room in {"config", "gate"} or room not in HEIGHT:
            continue
        for other, module in re.findall(
            r"^\s*from kaiying\.(\w+)\.(\w+)", path.read_text(encoding="utf-8"), re.MULTILINE
        ):
            if (
                other not in {room, *FREE_FORM}
                and module not in SHARED
                and not (other == "orders" and module == "providers")
            ):
                found.append(f"{path.relative_to(HOUSE)}: {other}.{module}")

    assert found == []


def test_foreign_keys_point_down():
    upward = []
    for model in apps.get_models():
        room = model.__module__.split(".")[1]
        if not model.__module__.startswith("kaiying."):
            continue
        for field in model._meta.get_fields():
            if isinstance(field, models.ForeignKey) and field.related_model.__module__.startswith("kaiying."):
                target = field.related_model.__module__.split(".")[1]
                if target != room and HEIGHT[target] >= HEIGHT[room]:
                    upward.append(f"{model.__name__}.{field.name} -> {target}")

    assert upward == []


def test_migrations_depend_downwards_only():
    upward = []
    for path in HOUSE.rglob("migrations/0*.py"):
        room = room_of(path)
        targets = re.findall(r"\(\s*['\"](\w+)['\"],\s*['\"]\d{4}_", path.read_text(encoding="utf-8"))
        upward += [
            f"{path.relative_to(HOUSE)} -> {target}"
            for target in targets
            if target in HEIGHT and target != room and HEIGHT[target] >= HEIGHT[room]
        ]

    assert upward == []


def test_the_domain_does_not_read_the_clock():
    readers = [
        str(path.relative_to(HOUSE))
        for path in MODULES
        if {"actions", "queries", "models", "vocabulary"} & {path.stem, *path.relative_to(HOUSE).parts}
        and re.search(r"datetime\.now\(|timezone\.now\(|date\.today\(", path.read_text(encoding="utf-8"))
    ]

    assert readers == []


def test_templates_hold_no_inline_style_or_handler():
    found = [
        f"{path.relative_to(HOUSE)}:{text.count('\n', 0, match.start()) + 1}"
        for path in TEMPLATES
        if (text := path.read_text(encoding="utf-8"))
        for match in re.finditer(r"\sstyle=|\son[a-z]+=\"|javascript:|<style\b|<script(?![^>]*(nonce|src)=)", text)
    ]

    assert found == []


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: str(path.relative_to(HOUSE)))
def test_a_sheet_takes_its_colours_from_the_tokens(sheet):
    text = re.sub(r"url\(\"data:[^\"]*\"\)|/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
    raw = re.findall(r"(?<![\w-])#[0-9a-fA-F]{3,8}\b|oklch\([^)]*\)|\brgb\([^)]*\)", text)

    assert sheet.name == "10-tokens.css" or [colour for colour in raw if colour not in ALLOWED] == []


ALLOWED = {"#fff", "rgb(10 36 30 / .18)"}
"""White under payment brands and QR codes, and the shadow of the buy bar."""


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: str(path.relative_to(HOUSE)))
def test_a_sheet_works_in_the_oldest_browser_we_serve(sheet):
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)

    assert re.findall(r":has\(|@layer|@container|color-mix\(", text) == []
