"""The author's handbook names the keys that the loader knows: no more, no fewer, and what each holds."""

import re
from datetime import time
from pathlib import Path

import pytest

from kaiying.camps.actions.shapes import DOCUMENTED

HANDBOOK = (Path(__file__).parents[2] / "docs/camp-as-code.md").read_text(encoding="utf-8")


def documented(name):
    section = HANDBOOK.split(f"#### {name}\n")[1].split("\n#")[0]
    rows = [re.split(r"\s*\|\s*", line.strip("| ")) for line in section.splitlines() if line.startswith("| `")]
    return [(row[0].strip("`"), row[1], row[2]) for row in rows]


def default_of(key):
    if key.required:
        return "required"
    if isinstance(key.default, time):
        return f"{key.default:%H:%M}"
    return (
        "nothing"
        if key.default is None
        else str(key.default).lower()
        if isinstance(key.default, bool)
        else str(key.default)
    )


@pytest.mark.parametrize("shape", DOCUMENTED, ids=lambda shape: shape.name)
def test_the_handbook_says_what_each_key_holds(shape):
    known = [(key.name, key.kind.label.replace("|", "or").replace("  ", " "), default_of(key)) for key in shape.keys]

    assert documented(shape.name) == known


@pytest.mark.parametrize("shape", DOCUMENTED, ids=lambda shape: shape.name)
def test_a_key_left_out_is_what_the_handbook_says(shape):
    made = shape.make()

    for key in shape.keys:
        if key.default is not None and not isinstance(key.default, str):
            assert getattr(made, key.attribute) == key.default, key.name


def test_every_section_is_about_a_shape():
    assert re.findall(r"^#### (\S+)$", HANDBOOK, re.MULTILINE) == [shape.name for shape in DOCUMENTED]
