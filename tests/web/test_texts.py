"""Text in several languages shows the nearest words there are."""

import copy
import pickle

import pytest
from django.template import Context, Template
from django.utils import translation

from kaiying.web.texts import Text

BOTH = Text({"zh-hans": "拆活动", "en": "Take an event apart"})


@pytest.mark.parametrize(
    ("active", "words"),
    [
        ("zh-hans", "拆活动"),
        ("en", "Take an event apart"),
        ("en-gb", "Take an event apart"),
        ("zh-hant", "拆活动"),
        ("fr", "拆活动"),
    ],
)
def test_it_reads_as_the_nearest_language(active: str, words: str) -> None:
    with translation.override(active):
        assert str(BOTH) == words
        assert f"{BOTH:>0}" == words
        assert f"《{BOTH}》" == f"《{words}》"


def test_without_an_active_language_it_reads_as_its_main_one() -> None:
    with translation.override(None):
        assert str(BOTH) == "拆活动"


def test_the_main_language_is_the_first_with_words() -> None:
    assert Text({"zh-hans": "", "en": "Hello"}).main == "en"


def test_a_template_shows_the_active_language_and_escapes_it() -> None:
    page = Template("{{ title }}")

    with translation.override("en"):
        assert page.render(Context({"title": Text({"en": "<b>"})})) == "&lt;b&gt;"


def test_a_string_is_text_in_the_given_language() -> None:
    assert Text.of("Hello", main="en") == Text({"en": "Hello"})
    assert Text.of("你好") == Text({"zh-hans": "你好"})


def test_the_stored_form_keeps_the_main_language_whatever_the_order_of_keys() -> None:
    stored = BOTH.as_json()

    assert stored == {"main": "zh-hans", "zh-hans": "拆活动", "en": "Take an event apart"}
    assert Text.of(dict(sorted(stored.items()))) == BOTH


def test_empty_text_is_false_and_stores_nothing() -> None:
    empty = Text.of({"en": ""})

    assert not empty
    assert str(empty) == ""
    assert empty.as_json() == {}
    assert empty == Text() == Text.of(None) == Text.of("")


def test_equal_texts_hash_alike_and_other_texts_differ() -> None:
    again = Text.of({"en": "Take an event apart", "zh-hans": "拆活动"}, main="zh-hans")

    assert again == BOTH
    assert len({again, BOTH}) == 1
    assert Text({"en": "Take an event apart", "zh-hans": "拆活动"}) != BOTH
    assert BOTH != "拆活动"


def test_it_is_a_mapping_that_cannot_be_changed() -> None:
    assert dict(BOTH) == {"zh-hans": "拆活动", "en": "Take an event apart"}
    assert BOTH["EN"] == "Take an event apart"
    assert "fr" not in BOTH
    assert "拆活动" in repr(BOTH)
    with pytest.raises(TypeError):
        BOTH["en"] = "x"  # type: ignore[index]


def test_it_can_be_copied_and_pickled() -> None:
    assert copy.deepcopy(BOTH) == BOTH
    assert pickle.loads(pickle.dumps(BOTH)) == BOTH  # noqa: S301  (our own bytes)
