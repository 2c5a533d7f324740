"""A model field that holds translated text, and its form field."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.query_utils import DeferredAttribute
from django.utils.translation import gettext_lazy as _

from kaiying.web.texts import Text

BETWEEN = "\n---\n"
"""Stands between the parts of a ``many`` field in a form, on its own line."""


class TextAttribute(DeferredAttribute):
    """Turns what is assigned into ``Text``, so a model never holds raw words."""

    field: "TranslatedField"

    def __set__(self, instance: models.Model, value: object) -> None:
        """Keep ``value`` as ``Text``."""
        instance.__dict__[self.field.attname] = self.field.to_python(value)


class TranslatedField(models.JSONField):
    """A JSON column whose value is a ``Text``, or with ``many=True`` a list of them."""

    description = _("Text in several languages")
    descriptor_class = TextAttribute
    empty_values = [None, "", [], (), {}, Text()]  # noqa: RUF012  (Django's own shape)

    def __init__(self, *args: Any, many: bool = False, **kwargs: Any) -> None:
        """Take what ``JSONField`` takes; the default is an empty text (or list)."""
        self.many = many
        kwargs.setdefault("default", list if many else dict)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        """Describe the field for migrations."""
        name, path, args, kwargs = super().deconstruct()
        if kwargs.get("default") is (list if self.many else dict):
            del kwargs["default"]
        if self.many:
            kwargs["many"] = True
        return name, path, args, kwargs

    def to_python(self, value: Any) -> Any:
        """Read a string, a mapping or ``Text``; leave expressions and unreadable values as they are."""
        if self.many:
            return [Text.of(part) for part in value] if isinstance(value, (list, tuple)) else value
        return Text.of(value) if isinstance(value, (str, Mapping)) else value

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Read the column; a key of it (``title__en``) stays what it is."""
        found = super().from_db_value(value, expression, connection)
        return found if hasattr(expression, "key_name") else self.to_python(found)

    def get_prep_value(self, value: Any) -> Any:
        """Give JSON for a look-up; a string stays one, because ``title__en="…"`` compares with a key."""
        return super().get_prep_value(self._plain(value))

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        """Give JSON for the column, also for an ``update()`` that was handed raw words."""
        return super().get_db_prep_save(self.to_python(value), connection)

    def value_to_string(self, obj: models.Model) -> Any:
        """Give JSON for a fixture."""
        return self._plain(self.value_from_object(obj))

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        """Refuse what is neither text nor JSON."""
        fits = isinstance(value, list) if self.many else isinstance(value, Text)
        if value is not None and not fits:
            raise ValidationError(self.error_messages["invalid"], code="invalid", params={"value": value})
        super().validate(self._plain(value), model_instance)

    def formfield(self, *_args: Any, **kwargs: Any) -> Any:
        """Give one box per language."""
        given = {"form_class": TranslatedFormField, "many": self.many, "show_hidden_initial": False, **kwargs}
        return models.Field.formfield(self, **given)

    def _plain(self, value: Any) -> Any:
        if isinstance(value, Text):
            return value.as_json()
        if isinstance(value, list):
            return [self._plain(part) for part in value]
        return value


class TranslatedWidget(forms.MultiWidget):
    """One textarea per language, each with the language's name."""

    template_name = "web/translated_widget.html"

    def __init__(self, *, many: bool = False, attrs: dict[str, Any] | None = None) -> None:
        """Make a box for each of the site's languages."""
        self.many = many
        rows = 6 if many else 2
        super().__init__(
            {
                code: forms.Textarea(attrs={"rows": rows, "lang": code, "class": "input", "aria-label": str(name)})
                for code, name in settings.LANGUAGES
            },
            attrs,
        )

    def decompress(self, value: Any) -> list[str]:
        """Split a value into the words of each language."""
        texts = value if isinstance(value, list) else [value or Text()]
        return [BETWEEN.join(Text.of(text).get(code, "") for text in texts) for code, _name in settings.LANGUAGES]

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """Show each box under the name of its language."""
        # A bound form hands over the boxes; anything else, a list of texts too, has to be split into them.
        boxes = isinstance(value, list) and any(isinstance(part, str) for part in value)
        split = value if boxes else self.decompress(value)
        context = super().get_context(name, split, attrs)
        for widget, (_code, language) in zip(context["widget"]["subwidgets"], settings.LANGUAGES, strict=True):
            widget["label"] = language
        return context


class TranslatedFormField(forms.MultiValueField):
    """The words of each language in its own box; the main language is the first that has any."""

    def __init__(self, *, many: bool = False, **kwargs: Any) -> None:
        """Make a field for each of the site's languages; any of them may be empty."""
        self.many = many
        for unused in ("encoder", "decoder", "max_length"):
            kwargs.pop(unused, None)
        kwargs["widget"] = TranslatedWidget(many=many)
        fields = tuple(forms.CharField(required=False, strip=True) for _language in settings.LANGUAGES)
        super().__init__(fields, require_all_fields=False, **kwargs)

    def compress(self, data_list: Sequence[str]) -> Text | list[Text]:
        """Join the boxes into one value."""
        words = dict(zip((code for code, _name in settings.LANGUAGES), data_list or (), strict=False))
        if not self.many:
            return Text(words)
        split = {code: box.replace("\r\n", "\n").split(BETWEEN) if box else [] for code, box in words.items()}
        count = max(map(len, split.values()), default=0)
        texts = [
            Text({code: parts[place].strip() for code, parts in split.items() if place < len(parts)})
            for place in range(count)
        ]
        return [text for text in texts if text]

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare whole values, not boxes: how a text is spread over boxes is our matter."""
        was = json.dumps(self._plain(initial), sort_keys=True)
        try:
            now = self.clean(data)
        except ValidationError:
            return True
        return was != json.dumps(self._plain(now), sort_keys=True)

    def _plain(self, value: Any) -> Any:
        if isinstance(value, list):
            return [dict(Text.of(part)) for part in value]
        return dict(Text.of(value))
