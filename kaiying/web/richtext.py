"""Markdown to safe HTML, for what members and organisers write."""

import re
import unicodedata
from collections.abc import Callable, MutableMapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, pgettext
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
    "div": {"aria-label"},
    "pre": {"aria-label"},
}
# What is wider than the page scrolls by itself, so the keyboard must reach it and it needs a name.
SCROLLS = {"tabindex": {"0"}, "role": {"region"}}
CLASSES = {"div": {"rich-table"}, "th": {"nowrap", "ta-r", "ta-c"}, "td": {"nowrap", "ta-r", "ta-c"}}
SHORT_CELL = 16
"""Columns a cell may take and still stand on one line; Chinese characters take two."""
LONGEST_LABEL = 60
OPENS = re.compile(r"<(table|pre)\b[^>]*>", re.IGNORECASE)
CLOSES = re.compile(r"</table\s*>", re.IGNORECASE)
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


def _hold_short_cells(state: StateCore) -> None:
    """Keep figures and other short cells in one piece, and to the side their column asks for."""
    for token, inside in pairwise(state.tokens):
        if token.type not in {"th_open", "td_open"}:
            continue
        side = str(token.attrs.pop("style", "")).removeprefix("text-align:")
        width = sum(2 if _is_cjk(char) else 1 for char in inside.content)
        classes = ["nowrap"] if width <= SHORT_CELL else []
        classes += [{"right": "ta-r", "center": "ta-c"}[side]] if side in {"right", "center"} else []
        if classes:
            token.attrSet("class", " ".join(classes))


def _name_scrollers(state: StateCore) -> None:
    """Give what scrolls sideways a name: a table its columns, code its first line; no two have the same."""
    given: set[str] = set()
    table, code = gettext("Table"), pgettext("program text", "Code")

    def named(kind: str, words: str) -> str:
        base = f"{kind}: {words}" if words else kind
        base = name = base if len(base) <= LONGEST_LABEL else f"{base[:LONGEST_LABEL]}…"
        count = 1
        while name in given:
            count += 1
            name = f"{base} ({count})"
        given.add(name)
        return name

    def written(found: re.Match[str]) -> str:
        if found[1].lower() == "pre":
            return f"<pre{_scrolls(named(code, ''))}>"
        return f'<div class="rich-table"{_scrolls(named(table, ""))}>{found[0]}'

    for place, token in enumerate(state.tokens):
        if token.type == "table_open":
            token.meta["name"] = named(table, _columns(state.tokens[place:]))
        elif token.type in {"fence", "code_block"}:
            token.meta["name"] = named(code, token.content.strip().partition("\n")[0].strip())
        elif token.type == "html_block":
            token.content = CLOSES.sub("</table></div>", OPENS.sub(written, token.content))


def _columns(tokens: Sequence[Token]) -> str:
    words = []
    for token, inside in pairwise(tokens):
        if token.type == "thead_close":
            break
        if token.type == "th_open" and inside.content:
            words.append(inside.content)
    return ", ".join(words)


def _scrolls(name: str) -> str:
    return f' tabindex="0" role="region" aria-label="{escape(name)}"'


def _open_table(_self: Any, tokens: Sequence[Token], place: int, _options: Any, _env: Any) -> str:
    return f'<div class="rich-table"{_scrolls(tokens[place].meta["name"])}><table>'


def _close_table(_self: Any, _tokens: Sequence[Token], _place: int, _options: Any, _env: Any) -> str:
    return "</table></div>"


def _code(_self: Any, tokens: Sequence[Token], place: int, _options: Any, _env: Any) -> str:
    token = tokens[place]
    return f"<pre{_scrolls(token.meta['name'])}><code>{escape(token.content)}</code></pre>\n"


@cache
def _parser(*, html: bool, breaks: bool) -> MarkdownIt:
    parser = MarkdownIt()
    parser.inline = _CjkParser()
    parser.configure("commonmark", {"html": html, "breaks": breaks, "linkify": True, "maxNesting": 20})
    parser.enable(["table", "strikethrough", "linkify"])
    parser.core.ruler.push("lower_headings", _lower_headings)
    parser.core.ruler.push("hold_short_cells", _hold_short_cells)
    parser.core.ruler.push("name_scrollers", _name_scrollers)
    parser.add_render_rule("table_open", _open_table)
    parser.add_render_rule("table_close", _close_table)
    parser.add_render_rule("fence", _code)
    parser.add_render_rule("code_block", _code)
    return parser


type Addresses = Callable[[str], str]
"""The address of a picture the text names (``media/x.png``); empty when there is none."""


def _own_addresses(pictures: Addresses | None) -> Callable[[str, str, str], str | None]:
    """Let pictures be files of this site only.

    One elsewhere would tell a stranger who reads what, and a page of ours asked for as a picture might do something.
    """

    def address(tag: str, attribute: str, value: str) -> str | None:
        if (tag, attribute) not in {("img", "src"), ("a", "href")}:
            return value
        if pictures is not None and (found := pictures(unquote(value))):
            return found
        own = value.startswith(("/media/", "/static/")) and not any(mark in unquote(value) for mark in ("..", "\\"))
        return value if own or tag == "a" else None

    return address


def _cleaner(rel: str, pictures: Addresses | None) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=TAGS,
        clean_content_tags=DROPPED_WHOLE,
        attributes=ATTRIBUTES,
        attribute_filter=_own_addresses(pictures),
        allowed_classes=CLASSES,
        tag_attribute_values={"div": SCROLLS, "pre": SCROLLS},
        url_schemes={"http", "https", "mailto"},
        link_rel=rel,
        strip_comments=True,
    )


_plain_cleaner = cache(lambda rel: _cleaner(rel, None))


def render(text: str, *, by_organizer: bool = False, pictures: Addresses | None = None) -> SafeString:
    """Turn Markdown into safe HTML.

    Members' HTML is shown as they typed it and their links are marked as theirs; organisers may use HTML, which is
    cleaned by the same list of allowed tags. ``pictures`` tells where the files are that an organiser's text names.
    """
    if len(text) > LONGEST:
        text = text[:LONGEST]
    raw = _parser(html=by_organizer, breaks=not by_organizer).render(text)
    rel = "noopener noreferrer" if by_organizer else "noopener noreferrer nofollow ugc"
    cleaner = _plain_cleaner(rel) if pictures is None else _cleaner(rel, pictures)
    return mark_safe(cleaner.clean(raw))  # noqa: S308  (cleaned on this very line)
