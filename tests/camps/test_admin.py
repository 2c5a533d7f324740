"""Camps in the back office open without a surprise."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from kaiying.camps.actions import load_camp, open_cohort
from kaiying.camps.models import Lesson
from kaiying.web.fields import TranslatedWidget
from tests.factories.camp_folders import write_camp
from tests.factories.people import OrganizerFactory, UserFactory

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 7, 1, 4, tzinfo=UTC)
MODELS = ["camp", "lesson", "task", "topic", "message", "cohort"]


@pytest.fixture
def camp(tmp_path, client):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    camp = load_camp(folder=write_camp(tmp_path / "small"), organizer=OrganizerFactory(), at=NOON).camp
    open_cohort(camp=camp, number=1, starts_on=NOON.date(), at=NOON)
    return camp


@pytest.mark.parametrize("model", MODELS)
def test_lists_and_forms_open(camp, client, model):
    listed = client.get(reverse(f"admin:camps_{model}_changelist"))
    thing = listed.context["cl"].result_list[0]
    form = client.get(reverse(f"admin:camps_{model}_change", args=[thing.pk]))

    assert (listed.status_code, form.status_code) == (200, 200)


def test_a_word_is_corrected_in_one_language(camp, client):
    lesson = Lesson.objects.get(ref="l2")
    page = client.get(reverse("admin:camps_lesson_change", args=[lesson.pk]))
    form = page.context["adminform"].form

    data = {}
    for bound in form:
        value = bound.value()
        if isinstance(bound.field.widget, TranslatedWidget):
            boxes = bound.field.widget.decompress(value)
            data |= {f"{bound.html_name}_{code}": box for code, box in zip(["zh-hans", "en"], boxes, strict=True)}
        elif value not in (None, False) and bound.name != "retired_at":
            data[bound.html_name] = value
    answer = client.post(page.request["PATH_INFO"], data | {"title_en": "Second lesson"})

    lesson.refresh_from_db()
    assert answer.status_code == 302, answer.context and answer.context["errors"]
    assert dict(lesson.title) == {"zh-hans": "第二课", "en": "Second lesson"}
    assert dict(lesson.body) == {"zh-hans": "读一读。", "en": "Read."}


def test_lists_take_the_same_number_of_queries_for_one_and_for_many(camp, client, django_assert_num_queries):
    address = reverse("admin:camps_lesson_changelist")
    client.get(address)
    with django_assert_num_queries(7) as first:
        client.get(address)
    for number in range(5):
        Lesson.objects.create(camp=camp, ref=f"x{number}", day=1, position=number, title="x")
    with django_assert_num_queries(len(first)):
        client.get(address)
