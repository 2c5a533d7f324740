"""Camps as folders, for tests: a small whole camp, and a way to spoil one place of it."""

from pathlib import Path

from PIL import Image

CAMP = """\
id: small
language: zh-hans
title: {zh-hans: 小营, en: Small camp}
zone: Asia/Shanghai
unlock_at: "08:00"
deadline_at: "23:59"
days:
  - title: {zh-hans: 第一天, en: Day one}
    tasks:
      - id: d1-check-in
        kind: check_in
        title: {zh-hans: 打卡, en: Check in}
  - title: {zh-hans: 第二天, en: Day two}
    tasks:
      - id: d2-map
        kind: submission
        title: {zh-hans: 作业, en: Task}
teachers:
  - id: lin
    role: lecturer
    name: {zh-hans: 林老师, en: Lin}
    email: lin@small.example
  - id: su
    role: head_teacher
    name: {zh-hans: 苏老师, en: Su}
    portrait: media/su.png
    email: su@small.example
reward:
  kind: consultation
  title: {zh-hans: 咨询, en: Talk}
  requires: [d1-check-in]
offer:
  list_price: "99.00"
  seats: 50
  tiers:
    - id: first
      name: {zh-hans: 首发席, en: First seats}
      price: "2.80"
      seats: 30
    - id: standard
      name: {zh-hans: 标准席, en: Standard seats}
      price: "99.00"
"""
L1 = """\
---
id: l1
day: 1
order: 1
title: 第一课
teacher: lin
preview: true
video: slides
essence:
  - 一点
chapters:
  - {at: 0, title: 开头}
  - {at: "00:04", title: 后半}
slides:
  - title: 片一
    seconds: 4
    points: [甲, 乙]
    say: 第一句。
  - title: 片二
    seconds: 3
    say: 第二句。
---
正文第一行

## 小标题
"""
L1_EN = """\
---
title: Lesson one
essence: [One point]
chapters:
  - title: Start
  - title: Second half
slides:
  - title: Slide one
    points: [A, B]
    say: First sentence.
  - title: Slide two
    say: Second sentence.
---
First line
"""
L2 = """\
---
id: l2
day: 2
order: 1
kind: article
title: 第二课
---
读一读。
"""
L2_EN = "---\ntitle: Lesson two\n---\nRead.\n"
FILES = {
    "camp.yaml": CAMP,
    "lessons/d1-l1.md": L1,
    "lessons/d1-l1.en.md": L1_EN,
    "lessons/d2-l2.md": L2,
    "lessons/d2-l2.en.md": L2_EN,
    "articles/launch.md": "---\nid: launch\ntitle: 来吧\nvoices:\n  - {who: 甲, text: 很好}\n---\n一篇文章。\n",
    "articles/launch.en.md": "---\ntitle: Come\nvoices:\n  - {who: A, text: Good}\n---\nAn article.\n",
    "topics/day-1.md": '---\nid: day-1\nday: 1\nat: "12:30"\nteacher: su\ntitle: 主题\n---\n说说。\n',
    "topics/day-1.en.md": "---\ntitle: Topic\n---\nTell.\n",
    "messages/welcome.md": "---\nid: welcome\nsubject: 欢迎\n---\n你好，{name}。\n",
    "messages/welcome.en.md": "---\nsubject: Welcome\n---\nHello {name}.\n",
}


def write_camp(folder: Path) -> Path:
    """Write the small camp; it has two days, a slides lesson, an article lesson and one of everything else."""
    for name, text in FILES.items():
        write(folder, name, text)
    (folder / "media").mkdir()
    Image.new("RGB", (8, 8), "green").save(folder / "media/su.png")
    return folder


def write(folder: Path, name: str, text: str | bytes) -> None:
    """Write one file."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)


def edit(folder: Path, name: str, old: str, new: str) -> None:
    """Replace words of a file that must be there exactly once or first."""
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {name}"
    write(folder, name, text.replace(old, new, 1))
