"""The camp commands, as an operator runs them."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from kaiying.camps.actions import open_cohort
from kaiying.camps.models import Camp, Cohort, Lesson
from kaiying.kit.errors import Refused
from kaiying.offers.actions import claim_seat, open_offer
from kaiying.offers.models import PriceTier
from kaiying.rehearsal.management.camp_folders import ChangedMeanwhile, bring_in
from kaiying.wire import clock
from tests.factories.camp_folders import edit, write_camp
from tests.factories.people import OrganizerFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_camp(tmp_path / "small")


@pytest.fixture
def organizer():
    return OrganizerFactory(slug="home")


def run(*words, **options):
    out = io.StringIO()
    call_command(*map(str, words), stdout=out, stderr=out, no_color=True, **options)
    return out.getvalue()


def load(folder, *words):
    return run("camp_load", folder, "--yes", "--no-render", *words)


def test_check_lists_every_mistake_and_ends_with_one(folder):
    edit(folder, "camp.yaml", "unlock_at:", "unlok_at:")
    edit(folder, "lessons/d1-l1.md", "day: 1", "day: 3")
    out = io.StringIO()

    with pytest.raises(CommandError, match="2 errors, 1 warning") as error:
        call_command("camp_check", str(folder), stdout=out)

    assert error.value.returncode == 1
    assert "camp.yaml:5:1  error  unknown key “unlok_at” in camp\n      Did you mean “unlock_at”?" in out.getvalue()
    assert "lessons/d1-l1.md:3:6  error  day 3 never comes" in out.getvalue()


def test_check_of_a_good_folder_is_one_line(folder):
    assert run("camp_check", folder) == f"{folder}: 2 lessons, 0 errors, 0 warnings.\n"


def test_strict_fails_on_warnings(folder):
    (folder / "lessons/d2-l2.en.md").unlink()

    run("camp_check", folder)
    with pytest.raises(CommandError):
        run("camp_check", folder, "--strict")


def test_load_shows_loads_and_then_has_nothing_to_do(folder, organizer):
    first = load(folder)
    assert "lessons\n  + l1  第一课" in first
    assert "articles\n  + launch  来吧" in first
    assert first.endswith("Loaded small: 12 changes.\nNext: kaiying cohort open small DATE --sale-opens now\n")

    assert load(folder) == "small: nothing to do.\n"
    assert run("camp_diff", folder) == f"{folder}: no difference.\n"


def test_load_asks_and_takes_no_for_an_answer(folder, organizer, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda _question: "n")

    assert "Nothing was changed." in run("camp_load", folder, "--no-render")
    assert not Camp.objects.exists()

    monkeypatch.setattr("builtins.input", lambda _question: "y")
    run("camp_load", folder, "--no-render")
    assert Camp.objects.exists()


def test_load_can_open_a_cohort_once(folder, organizer):
    assert load(folder, "--cohort-start", "2026-07-16").endswith("Cohort small-1 starts on 2026-07-16.\n")
    assert load(folder, "--cohort-start", "2026-07-16").endswith("Cohort small-1 starts on 2026-07-16.\n")
    assert load(folder, "--cohort-start", "2026-08-16").endswith("Cohort small-2 starts on 2026-08-16.\n")
    assert Cohort.objects.count() == 2


def test_diff_ends_with_one_and_touches_nothing(folder, organizer):
    load(folder)
    edit(folder, "lessons/d1-l1.md", "title: 第一课", "title: 改名")
    out = io.StringIO()

    with pytest.raises(CommandError, match="would change 1 thing"):
        call_command("camp_diff", str(folder), stdout=out, no_color=True)

    assert "  ~ l1  改名\n      title.zh-hans: 第一课 → 改名\n" in out.getvalue()
    assert str(Lesson.objects.get(ref="l1").title) == "第一课"


def test_export_comes_back_without_a_difference(folder, organizer, tmp_path):
    load(folder)

    assert run("camp_export", "small", tmp_path / "out") == f"small: 12 files in {tmp_path / 'out'}.\n"
    assert run("camp_check", tmp_path / "out").endswith("0 errors, 0 warnings.\n")
    assert run("camp_diff", tmp_path / "out").endswith("no difference.\n")
    with pytest.raises(CommandError, match="is not empty"):
        run("camp_export", "small", tmp_path / "out")
    with pytest.raises(CommandError, match="Known: small"):
        run("camp_export", "smal", tmp_path / "other")


def test_the_organizer_must_be_clear(folder):
    with pytest.raises(CommandError, match="no organizer yet"):
        load(folder)
    OrganizerFactory(slug="one")
    OrganizerFactory(slug="two")
    with pytest.raises(CommandError, match="Say which organizer"):
        load(folder)
    with pytest.raises(CommandError, match="Known: one, two"):
        load(folder, "--organizer", "three")
    load(folder, "--organizer", "two")
    assert Camp.objects.get().organizer.slug == "two"


def test_cohort_open_takes_the_next_number(folder, organizer):
    load(folder)

    assert run("cohort_open", "small", "2026-07-16") == "small-1 starts on 2026-07-16 with 2 on the staff.\n"
    assert run("cohort_open", "small", "2026-08-16") == "small-2 starts on 2026-08-16 with 2 on the staff.\n"
    with pytest.raises(CommandError, match="exists already"):
        run("cohort_open", "small", "2026-09-16", "--number", "2")


def selling(camp, at):
    cohort = open_cohort(camp=camp, number=1, starts_on=datetime(2026, 7, 16, tzinfo=UTC).date(), at=at)
    return open_offer(
        cohort=cohort, slug="small", terms=camp.offer, opens_at=at - timedelta(hours=1), closes_at=None, at=at
    )


def test_a_running_ladder_follows_the_folder(folder, organizer):
    load(folder)
    offer = selling(Camp.objects.get(), clock.now())
    edit(folder, "camp.yaml", "seats: 30", "seats: 20")

    told = load(folder)

    assert "offer.tiers.first.seats: 30 → 20" in told
    assert told.endswith("Loaded small: 1 change, ladder of 1 running offers changed.\n")
    assert PriceTier.objects.get(offer=offer, ref="first").seats == 20


def test_a_tier_never_shrinks_below_what_is_sold_and_then_nothing_changes(folder, organizer):
    load(folder)
    offer = selling(Camp.objects.get(), clock.now())
    for number in range(3):
        claim_seat(offer=offer, learner=UserFactory(), max_price=280, key=f"request-{number}", at=clock.now())
    edit(folder, "camp.yaml", "seats: 30", "seats: 2")
    edit(folder, "lessons/d1-l1.md", "title: 第一课", "title: 改名")

    with pytest.raises(CommandError, match="Nothing was changed"):
        load(folder)

    assert PriceTier.objects.get(offer=offer, ref="first").seats == 30
    assert str(Lesson.objects.get(ref="l1").title) == "第一课"
    assert Camp.objects.get().offer["tiers"][0]["seats"] == 30


def test_what_was_not_shown_is_not_loaded(folder, organizer):
    load(folder)
    edit(folder, "lessons/d1-l1.md", "title: 第一课", "title: 改名")

    with pytest.raises(ChangedMeanwhile):
        bring_in(folder=folder, organizer=organizer, at=clock.now(), shown=[])

    assert issubclass(ChangedMeanwhile, Refused)
    assert str(Lesson.objects.get(ref="l1").title) == "第一课"
