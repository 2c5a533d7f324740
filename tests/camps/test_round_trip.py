"""What is exported loads back to the same camp, whatever words people use."""

import shutil
import tempfile
from datetime import UTC, datetime, time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kaiying.camps.actions import check_camp, export_camp, load_camp
from kaiying.camps.actions import written as w
from kaiying.camps.actions.diffing import compare
from kaiying.camps.actions.loading import apply
from kaiying.camps.actions.snapshots import plan_of, snapshot_of
from kaiying.camps.models import Camp
from kaiying.camps.queries import PLACE
from kaiying.camps.vocabulary import FolderInTheWay
from kaiying.press.actions import article_changes, store_articles, written_articles
from kaiying.web.texts import Text
from tests.factories.camp_folders import write_camp
from tests.factories.people import OrganizerFactory

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 7, 1, 4, tzinfo=UTC)

NASTY = [
    *(
        "null",
        "~",
        "true",
        "no",
        "2026-01-01",
        "08:00",
        "1e3",
        "0x1F",
        "---",
        "...",
        "- a",
        "a: b",
        "# a",
        "'",
        '"',
        "\\n",
        "\\",
    ),
    *(
        "{name}",
        "[a]",
        "&a",
        "*a",
        "!a",
        "|",
        ">",
        "%a",
        "@a",
        "`a`",
        "a #b",
        "a:",
        ": a",
        "?",
        "? a",
        "=",
        "<<",
        "1 < 2 & 3 > 2",
    ),
    *(
        "，。“引号”",
        "😀👩‍👩‍👧",
        "é",
        "e\u0301",
        "\u2028x",
        "a\u2029b",
        "x\ufeffy",
        "\u00a0x\u00a0",
        "a\tb",
        "多\n行",
        "a\n\nb",
        "a \nb",
        " a\n  b",
    ),
    *("--- a", "a\n---\nb", "a\n...\nb", "main", "en", "=\n=", "x" * 300, "很" * 300, "%TAG", "{{ name }}", "{% if %}"),
]
PIECES = st.sampled_from(NASTY) | st.text(
    st.sampled_from(" :#-'\"|>&*!%@`[],?~=\n\t中e1.\u2028😀"), min_size=1, max_size=12
)
WORDS = st.lists(PIECES, min_size=1, max_size=3).map("".join).map(lambda text: text[:75].strip()).filter(bool)
BODIES = st.lists(PIECES, max_size=5).map("\n".join).map(lambda text: text.strip("\n \t\u2028\u2029\u00a0\ufeff"))


@st.composite
def texts(draw, words=WORDS, *, needed=True):
    main = draw(words) if needed else draw(st.just("") | words)
    other = draw(st.just("") | words) if main else ""
    return Text({"zh-hans": main, "en": other}, main="zh-hans")


def refs(prefix, most):
    return st.integers(0, most).map(lambda count: [f"{prefix}{number}" for number in range(count)])


@st.composite
def slides(draw):
    return w.WrittenSlide(
        title=draw(texts()),
        seconds=draw(st.integers(3, 9)),
        points=tuple(draw(st.lists(texts(), max_size=3))),
        say=draw(texts(needed=False)),
    )


@st.composite
def lessons(draw, ref, order, days, teachers):
    made = tuple(draw(st.lists(slides(), max_size=3)))
    length = sum(slide.seconds for slide in made)
    starts = sorted(draw(st.sets(st.integers(0, length - 1), max_size=3))) if made else []
    return w.WrittenLesson(
        ref=ref,
        day=draw(st.integers(1, days)),
        order=order,
        kind="video" if made else draw(st.sampled_from(["article", "bonus"])),
        title=draw(texts()),
        summary=draw(texts(needed=False)),
        body=draw(texts(BODIES, needed=False)),
        teacher=draw(st.sampled_from(["", *teachers])),
        preview=draw(st.booleans()),
        video="slides" if made else "",
        essence=tuple(draw(st.lists(texts(), max_size=3))),
        chapters=tuple(w.WrittenChapter(second=second, title=draw(texts())) for second in starts),
        slides=made,
    )


@st.composite
def camps(draw):
    days = draw(st.integers(1, 3))
    teachers = draw(refs("t", 2))
    return w.WrittenCamp(
        ref="made",
        language="zh-hans",
        title=draw(texts()),
        audience=draw(texts(needed=False)),
        tagline=draw(texts(needed=False)),
        zone=draw(st.sampled_from(["Asia/Shanghai", "America/New_York", "UTC"])),
        unlock_at=time(draw(st.integers(0, 11)), draw(st.integers(0, 59))),
        clock=draw(st.sampled_from(["calendar", "personal"])),
        class_capacity=draw(st.integers(1, 500)),
        days=tuple(
            w.WrittenDay(
                title=draw(texts()),
                outcome=draw(texts(needed=False)),
                tasks=tuple(
                    w.WrittenTask(
                        ref=f"d{day}-{ref}", kind="check_in", title=draw(texts()), brief=draw(texts(needed=False))
                    )
                    for ref in draw(refs("k", 2))
                ),
            )
            for day in range(days)
        ),
        teachers=tuple(
            w.WrittenTeacher(
                ref=ref, role="mentor", name=draw(texts()), bio=draw(texts(needed=False)), email=f"{ref}@x.example"
            )
            for ref in teachers
        ),
        reward=draw(
            st.none()
            | st.builds(w.WrittenReward, kind=st.just("consultation"), title=texts(), minutes=st.integers(5, 60))
        ),
        offer=draw(st.none() | offers()),
        services=tuple(
            w.WrittenService(ref=ref, title=draw(texts()), text=draw(texts(needed=False))) for ref in draw(refs("s", 2))
        ),
        faq=tuple(draw(st.lists(st.builds(w.WrittenQuestion, question=texts(), answer=texts()), max_size=2))),
        lessons=tuple(draw(lessons(f"l{order}", order, days, teachers)) for order in range(1, draw(st.integers(1, 4)))),
        articles=tuple(
            w.WrittenArticle(
                ref=ref,
                title=draw(texts()),
                description=draw(texts(needed=False)),
                voices=tuple(draw(st.lists(st.builds(w.WrittenVoice, who=texts(), text=texts()), max_size=2))),
                body=draw(texts(BODIES.filter(bool))),
            )
            for ref in draw(refs("a", 2))
        ),
        topics=tuple(
            w.WrittenTopic(
                ref=ref, day=1, clock=time(12, 30), title=draw(texts()), body=draw(texts(BODIES, needed=False))
            )
            for ref in draw(refs("o", 2))
        ),
        messages=tuple(
            w.WrittenMessage(ref=ref, subject=draw(texts()), body=draw(texts(BODIES.filter(bool))))
            for ref in draw(refs("m", 2))
        ),
    )


@st.composite
def offers(draw):
    tiers = tuple(
        w.WrittenTier(
            ref=ref, name=draw(texts()), price=f"{place}.{draw(st.integers(0, 99)):02}", seats=draw(st.integers(1, 40))
        )
        for place, ref in enumerate(draw(refs("tier", 2)))
    )
    last = w.WrittenTier(ref="rest", name=draw(texts()), price="99.00")
    seats = sum(tier.seats for tier in tiers) + draw(st.integers(1, 9))
    wordings = texts(WORDS.map(lambda text: f"{PLACE.sub('', text)} {{tier}} {{count}}".strip()))
    few = draw(st.none() | st.builds(w.WrittenLastSeats, count=st.just(1), wording=wordings))
    return w.WrittenOffer(list_price="199.00", seats=seats, tiers=(*tiers, last), last_seats=few)


def in_database(written):
    """Put a camp into the database without going through files."""
    camp = Camp.objects.create(organizer=OrganizerFactory(), slug=written.ref, title=written.title)
    keys = {lesson.ref: "0" * 64 for lesson in written.lessons}
    plan = plan_of(written, films={}, keys=keys, now=None)
    apply(camp, plan.snapshot, compare({}, plan.snapshot), at=NOON)
    store_articles(camp=camp, articles=written.articles, media={})
    return Camp.objects.get(pk=camp.pk)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(written=camps())
def test_any_camp_that_is_exported_loads_back_to_the_same(written):
    camp = in_database(written)
    folder = Path(tempfile.mkdtemp()) / "out"
    try:
        export_camp(camp=camp, folder=folder, articles=written_articles(camp))
        assert check_camp(folder).errors == ()
        loaded = load_camp(folder=folder, organizer=OrganizerFactory(), at=NOON)
        assert compare(snapshot_of(camp), snapshot_of(loaded.camp)) == []
        assert article_changes(camp=camp, articles=loaded.articles, media=loaded.media) == []
    finally:
        shutil.rmtree(folder.parent)


@pytest.mark.parametrize("source", ["small", "debut"])
def test_a_real_camp_goes_out_and_comes_back(source, tmp_path):
    folder = write_camp(tmp_path / "small") if source == "small" else Path(__file__).parents[2] / "camps/debut"
    loaded = load_camp(folder=folder, organizer=OrganizerFactory(), at=NOON)
    store_articles(camp=loaded.camp, articles=loaded.articles, media=loaded.media)

    files = export_camp(camp=loaded.camp, folder=tmp_path / "out", articles=written_articles(loaded.camp))

    again = load_camp(folder=tmp_path / "out", organizer=loaded.camp.organizer, at=NOON)
    assert check_camp(tmp_path / "out").problems == ()
    assert again.changes == []
    assert article_changes(camp=loaded.camp, articles=again.articles, media=again.media) == []
    assert sorted(files) == sorted(
        path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")
    )


def test_an_export_never_writes_over_anything(tmp_path):
    loaded = load_camp(folder=write_camp(tmp_path / "small"), organizer=OrganizerFactory(), at=NOON)

    with pytest.raises(FolderInTheWay):
        export_camp(camp=loaded.camp, folder=tmp_path / "small")
    with pytest.raises(FolderInTheWay):
        export_camp(camp=loaded.camp, folder=tmp_path / "small/camp.yaml")
