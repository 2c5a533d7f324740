"""Launch articles in the back office."""

from django.contrib import admin

from kaiying.press.models import Article


@admin.register(Article)
class ArticleAdmin(admin.ModelAdmin[Article]):
    """Launch articles; what is written here is sanitised whenever it is shown."""

    list_display = ("title", "camp", "ref")
    list_select_related = ("camp",)
