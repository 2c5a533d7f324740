"""Articles come from the camp's folder and are kept as written."""

from datetime import UTC, datetime

import pytest

from kaiying.camps.actions import load_camp
from kaiying.press.actions import article_changes, store_articles, written_articles
from kaiying.press.models import Article
from tests.factories.camp_folders import edit, write_camp
from tests.factories.people import OrganizerFactory

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 7, 1, 4, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path):
    folder = write_camp(tmp_path / "small")
    edit(folder, "articles/launch.md", "title: 来吧", "title: 来吧\ncover: media/su.png")
    return folder


def load(folder, organizer):
    loaded = load_camp(folder=folder, organizer=organizer, at=NOON)
    return loaded, store_articles(camp=loaded.camp, articles=loaded.articles, media=loaded.media)


def test_an_article_is_stored_once_and_changed_by_field(folder):
    organizer = OrganizerFactory()
    loaded, changes = load(folder, organizer)

    article = Article.objects.get(camp=loaded.camp)
    assert [(change.ref, str(change.kind)) for change in changes] == [("launch", "added")]
    assert (dict(article.title), article.cover) == ({"zh-hans": "来吧", "en": "Come"}, loaded.media["media/su.png"])
    assert article.voices == [
        {
            "who": {"main": "zh-hans", "zh-hans": "甲", "en": "A"},
            "text": {"main": "zh-hans", "zh-hans": "很好", "en": "Good"},
        }
    ]
    assert load(folder, organizer)[1] == []

    edit(folder, "articles/launch.en.md", "An article.", "Another article.")
    _loaded, changes = load(folder, organizer)

    assert [(f.path, f.after) for f in changes[0].fields] == [("body.en", "Another article.")]
    assert Article.objects.get().body["en"] == "Another article."
    assert written_articles(loaded.camp)[0].cover == "media/su.png"


def test_an_article_taken_out_is_gone(folder):
    organizer = OrganizerFactory()
    load(folder, organizer)
    for path in folder.glob("articles/*"):
        path.unlink()

    _loaded, changes = load(folder, organizer)

    assert [(change.ref, str(change.kind)) for change in changes] == [("launch", "removed")]
    assert not Article.objects.exists()


def test_looking_at_changes_writes_nothing(folder):
    loaded = load_camp(folder=folder, organizer=OrganizerFactory(), at=NOON)

    assert len(article_changes(camp=loaded.camp, articles=loaded.articles, media=loaded.media)) == 1
    assert not Article.objects.exists()
