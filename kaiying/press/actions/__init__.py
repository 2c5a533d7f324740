"""Writes of this room: articles from a folder, and pictures for sharing."""

from kaiying.press.actions.articles import article_changes, store_articles, written_articles
from kaiying.press.actions.sharing import draw_share_card

__all__ = ["article_changes", "draw_share_card", "store_articles", "written_articles"]
