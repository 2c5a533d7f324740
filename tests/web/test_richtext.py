"""Markdown becomes HTML that can do nothing but be read."""

import re
from html.parser import HTMLParser

import pytest

from kaiying.web.richtext import LONGEST, TAGS, render

SCROLLS = {"tabindex": "0", "role": "region"}
NASTY = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=https://evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<script\x20type='text/javascript'>javascript:alert(1);</script>",
    "<script/x>alert(1)</script>",
    "<<script>alert(1);//<</script>",
    "<script><!--</script><img src=x onerror=alert(1)>--></script>",
    "<img src=x onerror=alert(1)>",
    "<img src='x'onerror=alert(1)>",
    "<img/src=x/onerror=alert(1)>",
    "<img src=x:x onerror=alert(1)//",
    "<img src=javascript:alert(1)>",
    "<IMG SRC=`javascript:alert(1)`>",
    '<img """><script>alert(1)</script>">',
    "<img src=`x`onerror=alert(1)>",
    "<img src='//evil.example/x.png'>",
    "<img src='https://evil.example/x.png'>",
    "<img src='/\\evil.example/x.png'>",
    "<img srcset='https://evil.example/x.png 1x'>",
    "<img src='data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+'>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<svg><a xlink:href=javascript:alert(1)><text y=20>x</text></a></svg>",
    "<svg><foreignObject><body onload=alert(1)></foreignObject></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<svg></p><style><a id='</style><img src=1 onerror=alert(1)>'>",
    "<svg><set attributeName=href to=javascript:alert(1)>",
    "<svg><use href='data:image/svg+xml,<svg id=x xmlns=http://www.w3.org/2000/svg><script>alert(1)</script></svg>#x'>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<math><mi><table><mglyph><style><math><a title='</style><img src onerror=alert(1)>'>",
    "<math><annotation-xml encoding=text/html><script>alert(1)</script></annotation-xml></math>",
    "<math href=javascript:alert(1)>x</math>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<template><script>alert(1)</script></template>",
    "<textarea><script>alert(1)</script></textarea><img src=x onerror=alert(1)>",
    "<title><img src=x onerror=alert(1)></title>",
    "<xmp><p title='</xmp><img src=x onerror=alert(1)>'></xmp>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=javascript:alert(1)></object>",
    "<embed src=javascript:alert(1)>",
    "<applet code=x></applet>",
    "<base href='https://evil.example/'>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<link rel=stylesheet href='https://evil.example/x.css'>",
    "<style>@import 'https://evil.example/x.css';</style>",
    "<style><!--</style><script>alert(1)//--></script>",
    "<div style='background:url(javascript:alert(1))'>x</div>",
    "<p style='position:fixed;inset:0;background:red'>x</p>",
    "<div style=width:expression(alert(1))>x</div>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href='java\nscript:alert(1)'>x</a>",
    "<a href='jav&#x09;ascript:alert(1)'>x</a>",
    "<a href='&#106;&#97;&#118;&#97;&#115;&#99;&#114;&#105;&#112;&#116;&#58;alert(1)'>x</a>",
    "<a href=' &#14; javascript:alert(1)'>x</a>",
    "<a href='JaVaScRiPt:alert(1)'>x</a>",
    "<a href='vbscript:msgbox(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<a href='/x' onclick=alert(1) onmouseover=alert(1)>x</a>",
    "<a href='/x' target=_blank style=color:red id=main name=x class=btn>x</a>",
    "<body onload=alert(1)>",
    "<html onmouseover=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<select autofocus onfocus=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)></audio>",
    "<video poster=javascript:alert(1)></video>",
    "<details open ontoggle=alert(1)><summary>x</summary></details>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<isindex type=image src=1 onerror=alert(1)>",
    "<button formaction=javascript:alert(1)>x</button>",
    "<form action=javascript:alert(1)><input type=submit></form>",
    "<x onclick=alert(1) tabindex=0>x</x>",
    "<div hx-get=/me/delete hx-trigger=load data-hx-post=/x>x</div>",
    "<div class='buybar' tabindex='1' id='main'>x</div>",
    "<live-stream src=//evil.example></live-stream>",
    "<a href='/x' ping='https://evil.example/'>x</a>",
    "<table background=javascript:alert(1)><tr><td background=x>x</td></tr></table>",
    "<!--[if gte IE 4]><script>alert(1);</script><![endif]-->",
    "<!-- --!><img src=x onerror=alert(1)> -->",
    "<?xml version='1.0'?><script>alert(1)</script>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](  javascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](vbscript:alert(1))",
    "[x](file:///etc/passwd)",
    "[x]: javascript:alert(1)\n\n[x]",
    "<javascript:alert(1)>",
    "![x](javascript:alert(1))",
    "![x](https://evil.example/x.png)",
    "![x](//evil.example/x.png)",
    '![x](x"onerror="alert(1))',
    '[x](/x "onmouseover=alert(1) x=")',
    "[x](/x 'title\"><script>alert(1)</script>')",
    "`<script>alert(1)</script>`",
    "```<script>\n<img src=x onerror=alert(1)>\n```",
    "```html onload=alert(1)\n<b>\n```",
    "| <script>alert(1)</script> |\n|-|\n| <img src=x onerror=alert(1)> |",
    "# <svg/onload=alert(1)>",
    "\\<script\\>alert(1)\\</script\\>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "**<img src=x onerror=alert(1)>**",
    'https://evil.example/"onmouseover=alert(1)',
]


class Reader(HTMLParser):
    """Collects the tags and attributes a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.seen.append((tag, {name: value or "" for name, value in attrs}))


def tags_of(html: str) -> list[tuple[str, dict[str, str]]]:
    reader = Reader()
    reader.feed(html)
    return reader.seen


ALLOWED_ATTRIBUTES = {
    *("href", "title", "hreflang", "rel", "src", "alt", "width", "height", "start", "scope", "colspan", "rowspan"),
    *("open", "class", "tabindex", "role", "aria-label"),
}


@pytest.mark.parametrize("by_organizer", [False, True], ids=["member", "organizer"])
@pytest.mark.parametrize("text", NASTY)
def test_nothing_in_it_can_act(text: str, by_organizer: bool) -> None:  # noqa: FBT001
    html = render(text, by_organizer=by_organizer)

    for tag, attributes in tags_of(html):
        assert tag in TAGS
        assert set(attributes) <= ALLOWED_ATTRIBUTES
        assert attributes.get("class", "rich-table") in {"rich-table", ""}
        assert attributes.get("tabindex", "0") == "0"
        assert attributes.get("role", "region") == "region"
        href = re.sub(r"[\s\x00-\x20]", "", attributes.get("href", "")).lower()
        assert not href.startswith(("javascript:", "vbscript:", "data:", "file:"))
        assert attributes.get("src", "/media/").startswith(("/media/", "/static/"))
    assert "<script" not in html.lower()
    assert "<style" not in html.lower()
    assert "<svg" not in html.lower()
    assert "<math" not in html.lower()


def test_there_are_enough_nasty_inputs() -> None:
    assert len(set(NASTY)) == len(NASTY) > 60


@pytest.mark.parametrize("text", NASTY)
def test_cleaning_twice_changes_nothing_that_acts(text: str) -> None:
    """A browser parses what we send again; a second pass must not find a tag that the first did not show."""
    once = render(text, by_organizer=True)
    again = render(once, by_organizer=True)

    for tag, attributes in tags_of(again):
        assert tag in TAGS
        assert set(attributes) <= ALLOWED_ATTRIBUTES


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**你好，**世界", "<strong>你好，</strong>世界"),
        ("他说：**“重点”**是这个", "他说：<strong>“重点”</strong>是这个"),
        ("先看**《手册》**再说", "先看<strong>《手册》</strong>再说"),
        ("**漏斗（第一层）**从看到算", "<strong>漏斗（第一层）</strong>从看到算"),
        ("**L4**作业", "<strong>L4</strong>作业"),
        ("这是*重点。*对", "这是<em>重点。</em>对"),
        ("**这个(a)**是", "<strong>这个(a)</strong>是"),
        ("~~原价，~~现价", "<s>原价，</s>现价"),
        ("a * b * c", "a * b * c"),
        ("2**3**4", "2<strong>3</strong>4"),
        ("snake_case_name", "snake_case_name"),
        ("**not closed", "**not closed"),
        ("**日本語。**です", "<strong>日本語。</strong>です"),
    ],
)
def test_bold_works_beside_chinese(text: str, html: str) -> None:
    assert render(text) == f"<p>{html}</p>\n"


def test_members_links_are_marked_as_theirs() -> None:
    assert render("[看](https://a.example/?a=1&b=2)") == (
        '<p><a href="https://a.example/?a=1&amp;b=2" rel="noopener noreferrer nofollow ugc">看</a></p>\n'
    )
    assert 'rel="noopener noreferrer"' in render("[看](https://a.example)", by_organizer=True)


def test_a_bare_address_becomes_a_link() -> None:
    assert '<a href="https://a.example/x"' in render("见 https://a.example/x 里")


def test_headings_stay_below_the_pages_own() -> None:
    assert render("# 一\n\n###### 六") == "<h2>一</h2>\n<h6>六</h6>\n"


def test_what_scrolls_can_be_reached_by_keyboard_and_says_what_it_is() -> None:
    html = render("|看到|点开|\n|-|-|\n|1|2|\n\n```\n27,600 / 12\n```\n\n    27,600 / 12\n")

    assert tags_of(html)[0] == ("div", {**SCROLLS, "class": "rich-table", "aria-label": "表格: 看到, 点开"})
    assert "</table></div>" in html
    assert [named for tag, named in tags_of(html) if tag == "pre"] == [
        {**SCROLLS, "aria-label": "代码: 27,600 / 12"},
        {**SCROLLS, "aria-label": "代码: 27,600 / 12 (2)"},
    ]


def test_what_an_organiser_writes_as_html_scrolls_too() -> None:
    html = render("<TABLE class=x><tr><td>1</td></tr></TABLE>\n\n<pre onclick=x>1</pre>", by_organizer=True)

    assert html == (
        '<div class="rich-table" tabindex="0" role="region" aria-label="表格"><table><tbody><tr><td>1</td></tr></tbody>'
        '</table></div>\n<pre tabindex="0" role="region" aria-label="代码">1</pre>'
    )


def test_a_name_cannot_leave_its_attribute() -> None:
    for tag, attributes in tags_of(
        render('```\n"><img src=x onerror=alert(1)>\n```\n\n|" onfocus=alert(1) x="|b|\n|-|-|\n')
    ):
        assert tag in TAGS - {"img"}
        assert set(attributes) <= {"class", "tabindex", "role", "aria-label"}


def test_figures_and_short_cells_stay_in_one_piece_and_on_their_side() -> None:
    html = render("|层|人数|\n|:-|-:|\n|看到|27,600|\n|这一格的字比一行还要长一些|34.0 %|")

    assert '<td class="nowrap ta-r">27,600</td>' in html
    assert '<td class="nowrap ta-r">34.0 %</td>' in html
    assert "<td>这一格的字比一行还要长一些</td>" in html
    assert "style=" not in html


def test_a_members_line_break_is_kept_and_their_html_shown() -> None:
    assert render("一\n二 <b>三</b>") == "<p>一<br>\n二 &lt;b&gt;三&lt;/b&gt;</p>\n"


def test_organisers_may_use_html() -> None:
    html = render('<figure><img src="/media/a.png" alt="图"><figcaption>图</figcaption></figure>', by_organizer=True)

    assert html == '<figure><img src="/media/a.png" alt="图"><figcaption>图</figcaption></figure>'


def test_own_pictures_are_shown() -> None:
    assert '<img src="/media/x.png" alt="图">' in render("![图](/media/x.png)")


def test_pictures_a_camp_names_get_their_address_and_nothing_else_does() -> None:
    found = {"media/图.png": "/media/pass/camps/x/1.png"}
    text = '![图](media/图.png) <img src="media/图.png" alt="又"> ![没有](media/no.png) [大图](media/图.png) [别处](https://a.example/)'

    html = render(text, by_organizer=True, pictures=lambda name: found.get(name, ""))

    assert re.findall(r'(?:src|href)="([^"]*)"', html) == [*["/media/pass/camps/x/1.png"] * 3, "https://a.example/"]


@pytest.mark.parametrize("src", ["/account/logout/", "/media/../demo/owner/", "/media/%2e%2e/demo/owner/", "x.png"])
def test_a_page_of_ours_is_no_picture(src: str) -> None:
    assert "src=" not in render(f"![图]({src})", by_organizer=True)


def test_a_very_long_or_deeply_nested_text_is_cut_not_refused() -> None:
    assert len(render("字" * (LONGEST + 5000))) < LONGEST + 100
    assert render("> " * 5000 + "x")
    assert render("[" * 20_000)
    assert render("**" * 20_000)
