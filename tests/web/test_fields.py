"""A translated column holds ``Text`` from assignment to the database and back."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django import forms
from django.core import serializers
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.db.models import F
from django.test import override_settings
from django.test.utils import isolate_apps
from django.utils import translation

from kaiying.web.fields import TranslatedField
from kaiying.web.texts import Text

LANGUAGES = override_settings(LANGUAGES=[("zh-hans", "简体中文"), ("en", "English")])

with isolate_apps("kaiying.web"):

    class Leaf(models.Model):
        """A model that exists only for these tests."""

        title = TranslatedField()
        pains = TranslatedField("pains", many=True, blank=True)

        class Meta:
            """Django's options."""

            app_label = "web"

        def __str__(self) -> str:
            return str(self.title)


@pytest.fixture
def table(transactional_db: None) -> Iterator[None]:
    with connection.schema_editor() as editor:
        editor.create_model(Leaf)
    yield
    with connection.schema_editor() as editor:
        editor.delete_model(Leaf)


def field(name: str = "title") -> TranslatedField:
    found = Leaf._meta.get_field(name)
    assert isinstance(found, TranslatedField)
    return found


def test_what_is_assigned_becomes_text_at_once() -> None:
    leaf = Leaf(title="你好", pains=["一", {"en": "two"}])

    assert leaf.title == Text({"zh-hans": "你好"})
    assert leaf.pains == [Text({"zh-hans": "一"}), Text({"en": "two"})]
    leaf.title = {"en": "Hello", "zh-hans": "你好", "main": "en"}
    assert leaf.title.main == "en"


def test_a_new_row_has_empty_text() -> None:
    assert Leaf().title == Text()
    assert Leaf().pains == []


@pytest.mark.usefixtures("table")
def test_the_database_gives_back_what_it_took() -> None:
    words = Text({"zh-hans": "拆活动", "en": "Take apart"})
    leaf = Leaf.objects.create(title=words, pains=["一", words])

    found = Leaf.objects.get(pk=leaf.pk)

    assert found.title == words
    assert found.pains == [Text({"zh-hans": "一"}), words]
    assert list(Leaf.objects.values_list("title", flat=True)) == [words]
    assert Leaf.objects.filter(title__en="Take apart").exists()
    assert list(Leaf.objects.values_list("title__en", flat=True)) == ["Take apart"]
    assert Leaf.objects.filter(title=words).exists()
    leaf.refresh_from_db()
    assert leaf.title == words
    Leaf.objects.update(title={"en": "New"})
    Leaf.objects.update(title=F("title"))
    assert Leaf.objects.get().title == Text({"en": "New"})
    assert Leaf.objects.defer("title").get().title == Text({"en": "New"})


def test_a_migration_names_only_what_differs() -> None:
    _name, path, args, kwargs = field("pains").deconstruct()

    assert path == "kaiying.web.fields.TranslatedField"
    assert args == []
    assert kwargs == {"many": True, "blank": True, "verbose_name": "pains"}
    assert field().deconstruct()[3] == {}
    assert field("pains").clone().many is True


def test_empty_text_is_refused_where_words_are_needed() -> None:
    with pytest.raises(ValidationError):
        field().clean(Text(), None)
    with pytest.raises(ValidationError):
        field().clean(7, None)
    assert field().clean({"en": "x"}, None) == Text({"en": "x"})
    assert field("pains").clean([], None) == []


def test_a_fixture_holds_plain_json() -> None:
    dumped = serializers.serialize("json", [Leaf(pk=1, title="你好", pains=["一"])])

    assert json.loads(dumped)[0]["fields"] == {
        "title": {"main": "zh-hans", "zh-hans": "你好"},
        "pains": [{"main": "zh-hans", "zh-hans": "一"}],
    }


def leaf_form(data: dict[str, Any] | None = None, instance: Leaf | None = None) -> forms.ModelForm[Leaf]:
    form_class = forms.modelform_factory(Leaf, fields=["title", "pains"])
    return form_class(data, instance=instance)


@LANGUAGES
def test_a_form_has_one_named_box_per_language() -> None:
    html = str(leaf_form(instance=Leaf(title={"zh-hans": "你好", "en": "Hello"}, pains=["一", "二"]))["title"])

    assert html.count("<textarea") == 2
    assert ">\n你好</textarea>" in html
    assert ">\nHello</textarea>" in html
    assert 'aria-label="简体中文"' in html
    assert "style" not in html


@LANGUAGES
def test_a_form_reads_its_boxes_back() -> None:
    data = {
        "title_zh-hans": " 你好 ",
        "title_en": "",
        "pains_zh-hans": "一\r\n第二行\r\n---\r\n二",
        "pains_en": "one\r\n---\r\ntwo\r\n---\r\nthree",
    }
    form = leaf_form(data)

    assert form.is_valid(), form.errors
    assert form.cleaned_data["title"] == Text({"zh-hans": "你好"})
    assert form.cleaned_data["pains"] == [
        Text({"zh-hans": "一\n第二行", "en": "one"}),
        Text({"zh-hans": "二", "en": "two"}),
        Text({"en": "three"}),
    ]


@LANGUAGES
def test_a_form_shows_again_what_was_typed() -> None:
    form = leaf_form({"title_zh-hans": "", "title_en": "", "pains_zh-hans": "一", "pains_en": ""})

    assert not form.is_valid()
    assert ">\n一</textarea>" in str(form["pains"])
    with translation.override("zh-hans"):
        assert form.errors["title"]


@LANGUAGES
def test_a_form_knows_whether_anything_changed() -> None:
    leaf = Leaf(title={"zh-hans": "你好"}, pains=["一", "二"])
    same = {"title_zh-hans": "你好", "title_en": "", "pains_zh-hans": "一\n---\n二", "pains_en": ""}

    assert leaf_form(same, leaf).changed_data == []
    assert leaf_form({**same, "title_en": "Hello"}, leaf).changed_data == ["title"]
