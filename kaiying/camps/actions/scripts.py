"""What a text may not hold: HTML that could run script, and HTML that would silently be dropped when shown."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from markdown_it.token import Token

from kaiying.web import richtext

# Beyond what the sanitiser drops whole: everything that runs, loads, sends or restyles.
HARMFUL = {
    *richtext.DROPPED_WHOLE,
    *(
        "applet",
        "audio",
        "base",
        "body",
        "button",
        "embed",
        "form",
        "frame",
        "frameset",
        "head",
        "html",
        "input",
        "link",
    ),
    *("marquee", "meta", "param", "portal", "select", "source", "track", "video"),
}
SCHEME = re.compile(r"^[\s\x00-\x1f]*([a-z][a-z0-9+.\s-]*):", re.IGNORECASE)
SCRIPT_LINK = re.compile(r"\]\(\s*<?\s*(?:java|vb)script\s*:|\]\(\s*<?\s*data\s*:", re.IGNORECASE)
SAFE_SCHEMES = {"http", "https", "mailto"}
ELEMENTS = re.compile(r"[a-z][a-z0-9]*$")


@dataclass(frozen=True, slots=True)
class Unsafe:
    """Something in a text that would not be shown; ``line`` and ``column`` count from 0 in that text."""

    line: int
    column: int
    what: str
    is_harmful: bool


class _Tags(HTMLParser):
    """Collects what the sanitiser would drop from one piece of HTML."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[int, int, str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        line, column = self.getpos()
        if tag in HARMFUL:
            self.found.append((line - 1, column, f"<{tag}>", True))
        elif tag not in richtext.TAGS:
            self.found.append((line - 1, column, f"<{tag}>", False))
        for name, value in attrs:
            if name.startswith("on") or name in {"style", "srcdoc", "formaction", "action"}:
                self.found.append((line - 1, column, f"{name}= in <{tag}>", True))
            elif name in {"href", "src", "xlink:href"} and _is_script(value or ""):
                self.found.append((line - 1, column, f"{name}=“{(value or '')[:24]}”", True))

    handle_startendtag = handle_starttag

    def handle_decl(self, decl: str) -> None:
        line, column = self.getpos()
        self.found.append((line - 1, column, f"<!{decl[:12]}>", False))

    def handle_pi(self, data: str) -> None:
        line, column = self.getpos()
        self.found.append((line - 1, column, f"<?{data[:12]}>", False))


def _is_script(address: str) -> bool:
    scheme = SCHEME.match(address)
    return scheme is not None and re.sub(r"\s", "", scheme.group(1)).lower() not in SAFE_SCHEMES


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True, "maxNesting": 20}).enable(["table", "strikethrough"])


def unsafe(text: str) -> Iterator[Unsafe]:
    """Find in Markdown what would not survive being shown; code in backticks is only text and stays."""
    if "<" not in text and not SCRIPT_LINK.search(text):
        return
    for token in _parser().parse(text):
        first = token.map[0] if token.map else 0
        if token.type == "html_block":
            yield from _in_html(token.content, first, 0)
        elif token.type == "inline":
            yield from _in_inline(token, first, text)


def _in_inline(token: Token, first: int, text: str) -> Iterator[Unsafe]:
    lines = text.split("\n")
    line = first
    for child in token.children or []:
        if child.type in {"softbreak", "hardbreak"}:
            line += 1
        elif child.type == "html_inline":
            column = lines[line].find(child.content.split("\n")[0]) if line < len(lines) else 0
            yield from _in_html(child.content, line, max(column, 0))
        elif child.type == "text" and (found := SCRIPT_LINK.search(child.content)):
            yield Unsafe(line, max(lines[line].find(found.group()), 0), f"link {found.group()[1:]}…", is_harmful=True)


def _in_html(html: str, line: int, column: int) -> Iterator[Unsafe]:
    tags = _Tags()
    tags.feed(html if html.rstrip().endswith(">") else html + ">")
    tags.close()
    for down, across, what, is_harmful in tags.found:
        yield Unsafe(line + down, across + (column if down == 0 else 0), what, is_harmful)


def pictures_in(text: str) -> Iterator[tuple[int, str]]:
    """Yield line (from 0) and address of every picture in a Markdown text."""
    if "![" not in text and "<img" not in text.lower():
        return
    for token in _parser().parse(text):
        for child in token.children or []:
            if child.type == "image":
                yield (token.map[0] if token.map else 0), str(child.attrs.get("src", ""))
