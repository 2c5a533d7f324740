"""Every mistake is found at once, where it is, with what to do."""

import os
from pathlib import Path

import pytest

from kaiying.camps.actions import check_camp
from tests.factories.camp_folders import CAMP, L1, edit, write, write_camp

C, L, E2 = "camp.yaml", "lessons/d1-l1.md", "lessons/d1-l1.en.md"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_camp(tmp_path / "small")


def found(folder: Path) -> list[tuple[str, str]]:
    return [(str(problem.place), problem.code) for problem in check_camp(folder).problems]


def test_a_camp_without_mistakes_has_no_problem(folder):
    reading = check_camp(folder)

    assert reading.problems == ()
    assert [lesson.ref for lesson in reading.camp.lessons] == ["l1", "l2"]
    assert reading.languages == ("en", "zh-hans")


MISTAKES = [
    # file, words, what they become, where, code, a part of what is said or advised
    (C, "unlock_at:", "unlok_at:", "camp.yaml:5:1", "unknown-key", "Did you mean “unlock_at”?"),
    (C, "kind: check_in", "knd: check_in", "camp.yaml:11:9", "unknown-key", "Did you mean “kind”?"),
    (C, "id: small\n", "", "camp.yaml:1:1", "missing", "camp has no id"),
    (C, "id: small", "id: Small Camp", "camp.yaml:1:5", "id", "Write “small-camp”."),
    (C, "id: small", "id: [small]", "camp.yaml:1:5", "type", "expected id, found a list"),
    (C, "language: zh-hans", "language: zh-hant", "camp.yaml:2:11", "language", "Did you mean “zh-hans”?"),
    (C, "en: Small camp", "fr: Camp", "camp.yaml:3:22", "language", "unknown language “fr”"),
    (C, "{zh-hans: 小营, en: Small camp}", "{en: Small camp}", "camp.yaml:3:8", "language", "no words in zh-hans"),
    (C, "Asia/Shanghai", "Asia/Shanghia", "camp.yaml:4:7", "zone", "Did you mean “Asia/Shanghai”?"),
    (C, '"08:00"', '"8 am"', "camp.yaml:5:12", "time", "such as “08:00”"),
    (C, '"23:59"', '"07:00"', "camp.yaml:5:12", "unlock", "after their tasks are due"),
    (C, "kind: check_in", "kind: checkin", "camp.yaml:11:15", "choice", "Did you mean “check_in”?"),
    (C, "id: d2-map", "id: d1-check-in", "camp.yaml:15:13", "duplicate", "it is used at camp.yaml:10:13"),
    (C, "id: d2-map", "id: watch-l1", "camp.yaml:15:13", "id", "kept for watching"),
    (C, "id: su", "id: lin", "camp.yaml:23:9", "duplicate", "“lin” is taken"),
    (C, "role: lecturer", "role: techer", "camp.yaml:20:11", "choice", "Did you mean"),
    (C, "lin@small.example", "lin at small", "camp.yaml:22:12", "type", "not an email address"),
    (C, "media/su.png", "media/sue.png", "camp.yaml:26:15", "media", "Did you mean “media/su.png”?"),
    (C, "media/su.png", "../su.png", "camp.yaml:26:15", "media", "not below media/"),
    (C, "media/su.png", "media/../../etc/passwd", "camp.yaml:26:15", "media", "not below media/"),
    (C, "media/su.png", "media/su.gif", "camp.yaml:26:15", "media", "Convert the file"),
    (C, "[d1-check-in]", "[d1-chek-in]", "camp.yaml:31:13", "reference", "Did you mean “d1-check-in”?"),
    (C, "[d1-check-in]", "everything", "camp.yaml:31:13", "choice", "all_tasks"),
    (C, '"99.00"\n  seats', "99.00\n  seats", "camp.yaml:33:15", "price", 'Quote it: "99.00".'),
    (C, '"2.80"', "2.80", "camp.yaml:38:14", "price", "without quotes"),
    (C, '"2.80"', '"free"', "camp.yaml:38:14", "price", "not a price"),
    (C, '"2.80"', '"2.805"', "camp.yaml:38:14", "price", "not an amount of CNY"),
    (C, "seats: 50", "seats: 29", "camp.yaml:34:10", "tiers", "add up to 30 seats, the offer has 29"),
    (C, "seats: 50", "seats: many", "camp.yaml:34:10", "number", "Write digits only"),
    (C, "seats: 30", "seats: 0", "camp.yaml:39:14", "range", "Between 1 and 100000"),
    (C, "      seats: 30\n", "", "camp.yaml:36:7", "tiers", "so tier standard never opens"),
    (
        C,
        '      price: "99.00"\n',
        '      price: "99.00"\n      seats: 10\n',
        "camp.yaml:34:10",
        "tiers",
        "10 seats have no price",
    ),
    (C, "id: standard", "id: first", "camp.yaml:40:11", "duplicate", "“first” is taken"),
    (
        C,
        "title: {zh-hans: 打卡, en: Check in}",
        "title: <script>1</script>",
        "camp.yaml:12:16",
        "script",
        "could run script",
    ),
    (C, "zone: Asia", "zone: Asia\nzone: Asia", "camp.yaml:5:1", "twice", "the first is on line 4"),
    (C, "id: small", "id: small\n\tx: y", "camp.yaml:2:1", "yaml", "Indent with spaces"),
    (C, "zh-hans: 小营", "zh-hans: a: b", "camp.yaml:3:19", "yaml", "this is not YAML"),
    (C, "title: {zh-hans: 小营", "title: &a {zh-hans: *b", "camp.yaml:3:21", "alias", "Write the value out"),
    (C, "id: small", "id: !!python/name:os.system small", "camp.yaml:1:5", "tag", "Leave it out"),
    (L, "day: 1", "day: 3", "lessons/d1-l1.md:3:6", "unlock", "day 3 never comes: the camp has 2 days"),
    (L, "day: 1", "day: 0", "lessons/d1-l1.md:3:6", "unlock", "day 0 never comes"),
    (L, "day: 1\n", "", "lessons/d1-l1.md:2:1", "missing", "lesson has no day"),
    (L, "teacher: lin", "teacher: li", "lessons/d1-l1.md:6:10", "reference", "Did you mean “lin”?"),
    (L, "preview: true", "preview: yes", "lessons/d1-l1.md:7:10", "choice", "Write true or false"),
    (L, "video: slides\n", "", "lessons/d1-l1.md:2:1", "video", "can never be finished"),
    (L, "video: slides", "video: media/l1.mp4", "lessons/d1-l1.md:8:8", "media", "media/l1.mp4 is not there"),
    (L, "video: slides", "video: slides\nlength: 9", "lessons/d1-l1.md:9:9", "length", "the slides last 7 s"),
    (L, '"00:04"', "0", "lessons/d1-l1.md:13:10", "chapters", "not after the one before"),
    (L, '"00:04"', '"00:07"', "lessons/d1-l1.md:13:10", "chapters", "the video ends at 7 s"),
    (L, '"00:04"', '"4 s"', "lessons/d1-l1.md:13:10", "time", "Write “02:40”"),
    (L, "seconds: 4", "seconds: 0", "lessons/d1-l1.md:16:14", "range", "Between 3 and 600"),
    (L, "points: [甲, 乙]", "points: 甲", "lessons/d1-l1.md:17:13", "type", "expected a list of text"),
    (L, "正文第一行", "正文\n\n<iframe src=x></iframe>", "lessons/d1-l1.md:25:1", "script", "<iframe>"),
    (L, "正文第一行", "看 <img src=x onerror=alert(1)>", "lessons/d1-l1.md:23:3", "script", "onerror="),
    (L, "正文第一行", "[点我](javascript:alert(1))", "lessons/d1-l1.md:23:4", "script", "javascript:"),
    (L, "正文第一行", "<a href='java\tscript:x'>点</a>", "lessons/d1-l1.md:23:1", "script", "href="),
    (L, "正文第一行", "<p style='color:red'>红</p>", "lessons/d1-l1.md:23:1", "script", "style="),
    (L, "正文第一行", "![图](media/none.png)", "lessons/d1-l1.md:23:1", "media", "media/none.png is not there"),
    (L, "正文第一行", "![图](https://x.example/a.png)", "lessons/d1-l1.md:23:1", "media", "is not in media/"),
    (L, "---\nid", "id", "lessons/d1-l1.md:1:1", "front", "Begin the file with a line “---”"),
    (L, "\n---\n正文", "\n正文", "lessons/d1-l1.md:1:1", "front", "never ends"),
    (E2, "title: Lesson one", "titel: Lesson one", "lessons/d1-l1.en.md:2:1", "unknown-key", "Did you mean “title”?"),
    (E2, "title: Lesson one", "day: 1", "lessons/d1-l1.en.md:2:1", "unknown-key", "unknown key “day”"),
    (
        E2,
        "  - title: Slide two\n    say: Second sentence.\n",
        "",
        "lessons/d1-l1.en.md:8:3",
        "count",
        "1 slides here, 2 in d1-l1.md (line 15)",
    ),
    (E2, "points: [A, B]", "points: [A]", "lessons/d1-l1.en.md:9:13", "count", "1 points here, 2 in d1-l1.md"),
    ("topics/day-1.md", "day: 1", "day: 9", "topics/day-1.md:3:6", "unlock", "day 9 never comes"),
    ("topics/day-1.md", '"12:30"', '"25:00"', "topics/day-1.md:4:5", "time", "not a time of day"),
    ("messages/welcome.en.md", "{name}", "{nmae}", "messages/welcome.en.md", "blank", "Did you mean “name”?"),
    ("messages/welcome.md", "你好，{name}。\n", "", "messages/welcome.md:5:1", "missing", "the message has no text"),
]


@pytest.mark.parametrize(
    ("name", "old", "new", "place", "code", "said"), MISTAKES, ids=[f"{m[4]}-{n}" for n, m in enumerate(MISTAKES)]
)
def test_a_mistake_is_found_where_it_is(folder, name, old, new, place, code, said):
    edit(folder, name, old, new)

    problems = [p for p in check_camp(folder).errors if (str(p.place), p.code) == (place, code)]

    assert problems, found(folder)
    assert said in f"{problems[0].text} {problems[0].advice}"


WARNINGS = [
    (C, '"99.00"\n', '"2.00"\n', "camp.yaml:33:15", "tiers", "more than the list price"),
    (C, '      price: "99.00"', '      price: "1.00"', "camp.yaml:42:14", "tiers", "the price falls from 2.80 to 1.00"),
    (L, "say: 第一句。", f"say: {'字' * 60}", "lessons/d1-l1.md:18:10", "pace", "Give the slide 9 seconds"),
    (L, "正文第一行", "填 <your-name> 这里", "lessons/d1-l1.md:23:3", "dropped", "<your-name> will not be shown"),
    ("lessons/d2-l2.md", "day: 2", "day: 1\nsummary: x", "camp.yaml:13:5", "empty", "day 2 has no lesson"),
]


@pytest.mark.parametrize(("name", "old", "new", "place", "code", "said"), WARNINGS, ids=[w[4] for w in WARNINGS])
def test_what_is_probably_not_meant_is_a_warning(folder, name, old, new, place, code, said):
    edit(folder, name, old, new)
    edit(folder, "lessons/d2-l2.md", "order: 1", "order: 2")

    problems = check_camp(folder).problems

    assert [(str(p.place), p.code, p.is_error) for p in problems] == [(place, code, False)]
    assert said in f"{problems[0].text} {problems[0].advice}"


def test_many_mistakes_are_shown_at_once(folder):
    for name, old, new in [
        (C, "unlock_at:", "unlok_at:"),
        (C, '"2.80"', "2.80"),
        (L, "day: 1", "day: 3"),
        (L, "teacher: lin", "teacher: li"),
        ("topics/day-1.md", "teacher: su", "teacher: sue"),
        ("messages/welcome.md", "subject:", "subjekt:"),
    ]:
        edit(folder, name, old, new)

    errors = {(p.place.path, p.code) for p in check_camp(folder).errors}

    assert errors >= {
        ("camp.yaml", "unknown-key"),
        ("camp.yaml", "price"),
        ("lessons/d1-l1.md", "unlock"),
        ("lessons/d1-l1.md", "reference"),
        ("topics/day-1.md", "reference"),
        ("messages/welcome.md", "unknown-key"),
        ("messages/welcome.md", "missing"),
    }


@pytest.mark.parametrize(
    ("wording", "code", "advice"),
    [
        ("抢最后 30 个名额", "last_seats", "Write {count} for the seats that are left."),
        ("抢最后几席", "last_seats", "Name it with {tier} or {price}."),
        ("抢最后 {count} 个名额", "last_seats", "Name it with {tier} or {price}."),
        ("{teir}只剩 {count} 席", "blank", "Did you mean “tier”?"),
        ("{tier}只剩 {count} 席，共 30 席", None, ""),
        ("{price} 的席位快没了", None, ""),
    ],
)
def test_a_wording_for_the_last_seats_stays_true_and_says_of_what(folder, wording, code, advice):
    edit(
        folder,
        C,
        "  tiers:\n",
        f'  last_seats:\n    count: 30\n    wording: {{zh-hans: "{wording}", en: "{{tier}}"}}\n  tiers:\n',
    )

    errors = [(problem.code, problem.advice) for problem in check_camp(folder).errors]

    assert errors[:1] == ([(code, advice)] if code else [])


def test_with_one_tier_the_last_seats_need_no_name(folder):
    edit(folder, C, '    - id: standard\n      name: {zh-hans: 标准席, en: Standard seats}\n      price: "99.00"\n', "")
    edit(folder, C, "      seats: 30\n", "")
    edit(
        folder,
        C,
        "  tiers:\n",
        '  last_seats: {count: 9, wording: {zh-hans: "最后 {count} 席", en: "The last {count}"}}\n  tiers:\n',
    )

    assert check_camp(folder).problems == ()


def test_a_message_has_only_the_places_that_are_filled_when_it_is_sent(folder):
    edit(folder, "messages/welcome.md", "{name}", "{name} {lesson}")

    assert [(str(p.place), p.text) for p in check_camp(folder).errors] == [
        ("messages/welcome.md:2:1", "nothing fills the place {lesson} in the body")
    ]


def test_a_message_that_nothing_sends_is_a_warning(folder):
    edit(folder, "messages/welcome.md", "id: welcome", "id: welcom")

    [problem] = check_camp(folder).problems

    assert (problem.code, problem.is_error, problem.advice) == ("unsent", False, "Did you mean “welcome”?")


def test_tiers_that_end_must_end_one_after_another(folder):
    edit(folder, C, "seats: 30\n", 'seats: 30\n      ends_at: "2026-07-15 22:00"\n')
    edit(folder, C, '      price: "99.00"\n', '      price: "99.00"\n      ends_at: "2026-07-15 21:00"\n')

    codes = [(str(p.place), p.text) for p in check_camp(folder).problems]

    assert ("camp.yaml:44:16", "this tier ends before the one above it") in codes
    assert ("camp.yaml:44:16", "after this no tier is open") in codes


def test_windows_line_ends_and_a_byte_order_mark_are_fine(folder):
    for name in (C, L, E2):
        text = (folder / name).read_text(encoding="utf-8").replace("\n", "\r\n")
        write(folder, name, b"\xef\xbb\xbf" + text.encode())

    assert check_camp(folder).problems == ()


def test_a_file_that_is_not_utf_8_names_the_byte(folder):
    write(folder, "lessons/d2-l2.md", "---\nid: l2\ntitle: 第".encode() + "二课".encode("gb18030") + b"\n---\n")

    assert ("lessons/d2-l2.md:3:11", "utf-8") in found(folder)


def test_code_may_speak_of_script(folder):
    edit(folder, L, "正文第一行", "写 `<script>` 不会运行。\n\n```html\n<iframe src=x onload=1>\n```\n")

    assert check_camp(folder).problems == ()


def test_links_that_leave_the_folder_are_refused_and_not_read(folder, tmp_path):
    outside = tmp_path / "secret.md"
    outside.write_text("---\nid: l9\nday: 1\norder: 9\nkind: article\ntitle: 密\n---\n", encoding="utf-8")
    (folder / "lessons/d1-l9.md").symlink_to(outside)
    (folder / "media/su2.png").symlink_to("/etc/passwd")
    (folder / "topics2").symlink_to(tmp_path)

    reading = check_camp(folder)

    assert {(str(p.place), p.code) for p in reading.errors} == {
        ("lessons/d1-l9.md", "link"),
        ("media/su2.png", "link"),
        ("topics2", "link"),
    }
    assert len(reading.camp.lessons) == 2


def test_a_pipe_is_not_read(folder):
    os.mkfifo(folder / "lessons/d1-l8.md")

    assert ("lessons/d1-l8.md", "type") in found(folder)


def test_a_text_too_big_is_not_read(folder):
    write(folder, "lessons/d1-l8.md", "---\n" + "x" * 600_000)

    assert ("lessons/d1-l8.md", "big") in found(folder)


def test_yaml_bombs_stop_before_they_grow(folder):
    lol = "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a, *a, *a]\n" for n in range(40))
    write(folder, C, lol)
    assert [p.code for p in check_camp(folder).errors] == ["alias"]

    write(folder, C, "a: " + "[" * 5000 + "]" * 5000)
    assert [p.code for p in check_camp(folder).errors] == ["depth"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "camp.yaml holds no keys"),
        ("- a\n- b\n", "camp.yaml holds no keys"),
        ("a: 1\n---\nb: 2\n", "second document"),
    ],
)
def test_a_camp_yaml_of_another_shape_is_explained(folder, text, said):
    write(folder, C, text)

    assert said in check_camp(folder).errors[0].text


def test_an_empty_folder_a_file_and_nothing_at_all_are_explained(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()

    said = [check_camp(tmp_path / name).errors[0].text for name in ("empty", "file", "nowhere")]

    assert said == ["the folder is empty", "this is a file", "this does not exist"]


def test_misnamed_files_and_folders_are_pointed_out(folder):
    (folder / "lesson").mkdir()
    write(folder, "lessons/notes.txt", "x")
    write(folder, "README.md", "x")
    write(folder, "media/unused.png", (folder / "media/su.png").read_bytes())
    (folder / ".git").mkdir()

    problems = check_camp(folder).problems

    assert [(str(p.place), p.advice) for p in problems] == [
        ("lesson", "Did you mean “lessons”?"),
        ("lessons/notes.txt", "Files are lessons/NAME.md."),
        ("media/unused.png", "Remove it, or use it."),
    ]


def test_camp_yml_should_be_camp_yaml(folder):
    (folder / "camp.yaml").rename(folder / "camp.yml")

    assert [p.text for p in check_camp(folder).errors] == ["there is camp.yml but no camp.yaml"]


def test_translations_must_have_something_to_translate(folder):
    write(folder, "lessons/d9-l9.en.md", "---\ntitle: Nothing\n---\n")
    write(folder, "lessons/d1-l1.fr.md", "---\ntitle: Rien\n---\n")
    write(folder, "lessons/d1-l1.zh-hans.md", "---\ntitle: 又\n---\n")

    assert [(str(p.place), p.code) for p in check_camp(folder).errors] == [
        ("lessons/d1-l1.fr.md", "language"),
        ("lessons/d1-l1.zh-hans.md", "language"),
        ("lessons/d9-l9.en.md", "missing"),
    ]


def test_a_missing_translation_is_a_warning(folder):
    (folder / "lessons/d1-l1.en.md").unlink()

    assert [(str(p.place), p.advice) for p in check_camp(folder).problems] == [
        ("lessons/d1-l1.md", "Write lessons/d1-l1.en.md.")
    ]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("su.png", b"GIF89a", "not a picture that can be opened"),
        ("su.svg", b"<svg xmlns='x'><script>1</script></svg>", "it holds <script>"),
        ("su.svg", b"<svg xmlns='x' onload='x()'/>", "it holds onload="),
        ("su.svg", b"<svg xmlns='x' xmlns:xlink='y'><use xlink:href='http://x/#a'/></svg>", "it points to http://x/#a"),
        ("su.svg", b"<!DOCTYPE svg [<!ENTITY a 'b'>]><svg xmlns='x'>&a;</svg>", "it holds a DOCTYPE"),
        ("su.svg", b"<svg xmlns='x'><foreignObject/></svg>", "it holds <foreignObject>"),
        ("su.svg", b"<svg xmlns='x'><rect fill='url(https://x)'/></svg>", "it points to url(https://x)"),
        ("su.svg", b"<svg", "it is not XML"),
    ],
)
def test_media_must_be_what_their_name_says(folder, name, data, said):
    write(folder, f"media/{name}", data)
    edit(folder, C, "media/su.png", f"media/{name}")
    if name != "su.png":
        (folder / "media/su.png").unlink()

    problems = check_camp(folder).problems

    assert [str(p.place) for p in problems] == [f"media/{name}"]
    assert said in problems[0].text


def test_control_characters_are_refused(folder):
    edit(folder, C, "zh-hans: 小营", 'zh-hans: "a\\0b"')

    assert ("camp.yaml:3:18", "control") in found(folder)


def test_the_demo_camp_has_no_mistake():
    reading = check_camp(Path(__file__).parents[2] / "camps/debut")

    assert reading.problems == ()
    assert sum(lesson.kind == "video" for lesson in reading.camp.lessons) == 9


@pytest.mark.figures
def test_how_many_sorts_of_mistakes_are_told_apart(folder, record_property):
    codes = {m[4] for m in (*MISTAKES, *WARNINGS)}
    record_property(
        "figure", f"{len(MISTAKES) + len(WARNINGS)} mistakes of {len(codes)} sorts, each at its line and column"
    )
    print(f"\n{len(MISTAKES) + len(WARNINGS)} mistakes of {len(codes)} sorts found at their line and column")

    assert len(CAMP) + len(L1) > 0
    assert len(codes) >= 25
