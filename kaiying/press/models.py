"""Articles that sell a camp."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from kaiying.camps.models import Camp
from kaiying.web.fields import TranslatedField


class Article(models.Model):
    """A launch article; its text is kept as written (Markdown or HTML) and sanitised whenever it is shown."""

    camp = models.ForeignKey(Camp, on_delete=models.CASCADE, related_name="articles", verbose_name=_("camp"))
    ref = models.SlugField(_("id"), max_length=60)
    title = TranslatedField(_("title"))
    description = TranslatedField(_("for share cards"), blank=True)
    cover = models.CharField(_("cover"), max_length=200, blank=True)
    voices = models.JSONField(_("voices"), default=list, blank=True)  # [{"who": {lang: text}, "text": {lang: text}}]
    body = TranslatedField(_("text"))

    class Meta:
        verbose_name = _("article")
        verbose_name_plural = _("articles")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["camp", "ref"], name="press_article_ref"),
        ]

    def __str__(self) -> str:
        """Show the title in the active language."""
        return str(self.title)
