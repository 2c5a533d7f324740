"""Markdown to safe HTML, for what members and organisers write."""

import unicodedata
from collections.abc import MutableMapping, Sequence
from functools import cache
from typing import Any

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.common.utils import isMdAsciiPunct, isPunctChar, isWhiteSpace
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Scanned
from markdown_it.token import Token

LONGEST = 200_000
"""Characters beyond which a text is shown plain: a parser must not be a way to make us work."""

TAGS = {
    *("p", "br", "hr", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "code", "strong", "em", "s", "del"),
    *("ul", "ol", "li", "a", "img", "table", "thead", "tbody", "tr", "th", "td", "div", "figure", "figcaption"),
    *("sup", "sub", "kbd", "mark", "ruby", "rt", "rp", "details", "summary", "dl", "dt", "dd"),
}
ATTRIBUTES = {
    "a": {"href", "title", "hreflang"},
    "img": {"src", "alt", "title", "width", "height"},
    "ol": {"start"},
    "th": {"scope", "colspan", "rowspan"},
    "td": {"colspan", "rowspan"},
    "details": {"open"},
}
# Everything inside these goes too, not only the tag.
DROPPED_WHOLE = {"script", "style", "template", "noscript", "iframe", "object", "svg", "math", "title", "textarea"}


def _is_cjk(char: str) -> bool:
    """Tell a character of the East Asian scripts or their punctuation; emoji are wide too, but are symbols."""
    return unicodedata.east_asian_width(char) in "WFH" and unicodedata.category(char) != "So"


class _CjkState(StateInline):
    """Finds emphasis next to Chinese, which has no spaces between words.

    CommonMark looks for spaces and punctuation to tell where bold may end, so ``**你好，**世界`` stays literal.
    Here East Asian punctuation counts as a letter, and an East Asian character beside a mark counts as a space would.
    """

    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:  # noqa: FBT001, N802, N803  (markdown-it's names)
        """Say whether the run of marks at ``start`` may open or close emphasis."""
        marker, end = self.src[start], start
        while end < self.posMax and self.src[end] == marker:
            end += 1
        before = self.src[start - 1] if start > 0 else " "
        after = self.src[end] if end < self.posMax else " "
        mark_before, mark_after = (self._is_western_mark(char) for char in (before, after))
        space_before, space_after = (isWhiteSpace(ord(char)) for char in (before, after))
        left = not space_after and (not mark_after or space_before or mark_before or _is_cjk(before))
        right = not space_before and (not mark_before or space_after or mark_after or _is_cjk(after))
        return Scanned(
            left and (canSplitWord or not right or mark_before),
            right and (canSplitWord or not left or mark_after),
            end - start,
        )

    @staticmethod
    def _is_western_mark(char: str) -> bool:
        return (isMdAsciiPunct(ord(char)) or isPunctChar(char)) and not _is_cjk(char)


class _CjkParser(ParserInline):
    """The inline parser, working on ``_CjkState``."""

    def parse(self, src: str, md: MarkdownIt, env: MutableMapping[str, Any], tokens: list[Token]) -> list[Token]:
        """Parse ``src`` into ``tokens``."""
        state = _CjkState(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


def _lower_headings(state: StateCore) -> None:
    """Make ``#`` an h2: the page has its own h1."""
    for token in state.tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1]) + 1, 6)}"


def _open_table(_self: Any, _tokens: Sequence[Token], _place: int, _options: Any, _env: Any) -> str:
    return '<div class="rich-table" tabindex="0"><table>'


def _close_table(_self: Any, _tokens: Sequence[Token], _place: int, _options: Any, _env: Any) -> str:
    return "</table></div>"


@cache
def _parser(*, html: bool, breaks: bool) -> MarkdownIt:
    parser = MarkdownIt()
    parser.inline = _CjkParser()
    parser.configure("commonmark", {"html": html, "breaks": breaks, "linkify": True, "maxNesting": 20})
    parser.enable(["table", "strikethrough", "linkify"])
    parser.core.ruler.push("lower_headings", _lower_headings)
    parser.add_render_rule("table_open", _open_table)
    parser.add_render_rule("table_close", _close_table)
    return parser


def _only_own_pictures(tag: str, attribute: str, value: str) -> str | None:
    """Drop the address of a picture that is not on this site: it would tell a stranger who reads what."""
    if tag == "img" and attribute == "src":
        own = value.startswith("/") and not value.startswith("//") and "\\" not in value
        return value if own else None
    return value


@cache
def _cleaner(rel: str) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=TAGS,
        clean_content_tags=DROPPED_WHOLE,
        attributes=ATTRIBUTES,
        attribute_filter=_only_own_pictures,
        allowed_classes={"div": {"rich-table"}},
        tag_attribute_values={"div": {"tabindex": {"0"}}},
        url_schemes={"http", "https", "mailto"},
        link_rel=rel,
        strip_comments=True,
    )


def render(text: str, *, by_organizer: bool = False) -> SafeString:
    """Turn Markdown into safe HTML.

    Members' HTML is shown as they typed it and their links are marked as theirs; organisers may use HTML, which is
    cleaned by the same list of allowed tags.
    """
    if len(text) > LONGEST:
        text = text[:LONGEST]
    raw = _parser(html=by_organizer, breaks=not by_organizer).render(text)
    rel = "noopener noreferrer" if by_organizer else "noopener noreferrer nofollow ugc"
    return mark_safe(_cleaner(rel).clean(raw))  # noqa: S308  (cleaned on this very line)
