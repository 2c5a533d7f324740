"""Pictures that came with what was not taken leave no file, and nobody chooses the room's own keys."""

from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from kaiying.groups.actions import check_in
from kaiying.groups.models import CheckIn, Post
from kaiying.groups.views import feed
from kaiying.groups.vocabulary import PostKind
from kaiying.learning.models import Enrollment
from kaiying.wire import clock
from tests.factories.groups import PostFactory, class_of, seated

PART = {"X-Part": "1"}
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_noon(noon):
    with clock.frozen(noon):
        yield


@pytest.fixture
def group():
    return class_of()


@pytest.fixture
def learner(group, client):
    user = seated(group).learner
    client.force_login(user)
    return user


def picture():
    file = BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    return SimpleUploadedFile("x.png", file.getvalue(), "image/png")


def files(settings):
    return sorted(path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file())


def test_a_post_that_is_sent_twice_keeps_one_picture(client, group, learner, settings):
    for _ in range(2):
        client.post(reverse("groups:posts", args=[group.pk]), {"body": "看图", "picture": picture(), "key": "k"})

    assert files(settings) == [Path(settings.MEDIA_ROOT) / Post.objects.get().picture]


def test_a_picture_of_whoever_left_meanwhile_goes(client, group, learner, settings, monkeypatch):
    publish = feed.publish_post

    def leave_then_publish(**facts):
        Enrollment.objects.update(ended_at=clock.now())
        return publish(**facts)

    monkeypatch.setattr(feed, "publish_post", leave_then_publish)

    sent = client.post(reverse("groups:posts", args=[group.pk]), {"picture": picture(), "key": "k"}, headers=PART)

    assert (sent.status_code, files(settings)) == (404, [])


def test_a_second_check_in_leaves_no_picture(client, group, learner, settings, noon):
    task = group.cohort.camp.tasks.get(day=2, kind="check_in")
    check_in(task=task, learner=learner, group=group, text="先", at=noon - timedelta(minutes=1))

    client.post(reverse("groups:check_in", args=[task.pk]), {"text": "后", "picture": picture()})

    assert files(settings) == []


def test_nobody_takes_the_key_of_their_own_check_in_before(client, group, learner, noon):
    task = group.cohort.camp.tasks.get(day=2, kind="check_in")

    sent = client.post(reverse("groups:posts", args=[group.pk]), {"body": "占位", "key": f"check-in:{task.pk}"})

    assert sent.status_code == 422
    done = check_in(task=task, learner=learner, group=group, text="打卡", at=noon)
    assert (done.post.kind, done.post.body, CheckIn.objects.count()) == (PostKind.CHECK_IN, "打卡", 1)


def test_liking_what_was_removed_meanwhile_says_it_is_not_there(client, group, learner, monkeypatch):
    post = PostFactory(group=group)
    seen = feed.found_post

    def removed_meanwhile(entry, pk):
        found = seen(entry, pk)
        found.removed_at = clock.now()
        return found

    monkeypatch.setattr(feed, "found_post", removed_meanwhile)

    assert client.post(reverse("groups:likes", args=[group.pk, post.pk]), {"liked": "1"}).status_code == 404
