"""Keep a camp's launch articles as its folder writes them."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from kaiying.camps.actions import Change, WrittenArticle, WrittenVoice, compare, plain
from kaiying.camps.models import Camp
from kaiying.press.models import Article
from kaiying.web.texts import Text

FIELDS = ("title", "description", "cover", "voices", "body")


def article_changes(*, camp: Camp | None, articles: Iterable[WrittenArticle], media: Mapping[str, str]) -> list[Change]:
    """Return what ``store_articles`` would change; ``media`` tells where the folder's files are kept."""
    had = camp.articles.all() if camp else ()
    before = {article.ref: {name: plain(getattr(article, name)) for name in FIELDS} for article in had}
    after = {article.ref: _facts(article, media) for article in articles}
    return compare({"articles": before}, {"articles": after})


@transaction.atomic
def store_articles(*, camp: Camp, articles: Iterable[WrittenArticle], media: Mapping[str, str]) -> list[Change]:
    """Make the camp's articles be these and return what changed; the same again changes nothing."""
    written = {article.ref: article for article in articles}
    changes = article_changes(camp=camp, articles=written.values(), media=media)
    for change in changes:
        if change.ref in written:
            facts = _facts(written[change.ref], media)
            Article.objects.update_or_create(camp=camp, ref=change.ref, defaults=facts)
    camp.articles.exclude(ref__in=written).delete()
    return changes


def written_articles(camp: Camp) -> list[WrittenArticle]:
    """Return the camp's articles as a folder would write them."""
    names = {stored: name for name, stored in camp.media.items()}
    return [
        WrittenArticle(
            ref=article.ref,
            title=article.title,
            description=article.description,
            cover=names.get(article.cover, ""),
            voices=tuple(WrittenVoice(who=Text.of(one["who"]), text=Text.of(one["text"])) for one in article.voices),
            body=article.body,
        )
        for article in camp.articles.order_by("ref")
    ]


def _facts(article: WrittenArticle, media: Mapping[str, str]) -> dict[str, Any]:
    return {
        "title": article.title.as_json(),
        "description": article.description.as_json(),
        "cover": media.get(article.cover, ""),
        "voices": [{"who": voice.who.as_json(), "text": voice.text.as_json()} for voice in article.voices],
        "body": article.body.as_json(),
    }
