"""The pages of a class."""

import csv
import io
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from PIL import Image

from kaiying.groups.actions import check_in, publish_post, unseat_learner
from kaiying.groups.models import CheckIn, Like, Membership, Nudge, Post
from kaiying.groups.queries import entry_of, feed
from kaiying.groups.views.entering import frame
from kaiying.groups.views.feed import _mark_read
from kaiying.groups.vocabulary import MemberKind, PostKind
from kaiying.learning.models import Enrollment
from kaiying.people.queries import viewer_id
from kaiying.people.vocabulary import RoleKind
from kaiying.wire import clock
from kaiying.wire.media import read_media_pass
from tests.factories.camps import TopicFactory
from tests.factories.groups import MembershipFactory, PostFactory, class_of, enrolled, seated, teacher_of
from tests.factories.people import RoleFactory, UserFactory

pytestmark = pytest.mark.django_db
PART = {"X-Part": "1"}
EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>[点我](javascript:alert(1)) **粗**"


@pytest.fixture(autouse=True)
def _evening(noon):
    with clock.frozen(noon + timedelta(hours=7, minutes=42)):
        yield


@pytest.fixture
def group():
    return class_of(number=1)


@pytest.fixture
def learner(group, client):
    user = seated(group, UserFactory(name="学员 K")).learner
    client.force_login(user)
    return user


@pytest.fixture
def head(group):
    return teacher_of(group)


def as_person(client, user):
    client.force_login(user)
    return client


def picture(name="a.png", size=(40, 30)):
    buffer = io.BytesIO()
    Image.new("RGB", size, "#226644").save(buffer, "PNG")
    return SimpleUploadedFile(name, buffer.getvalue(), "image/png")


def page(client, name, *args, **query):
    return client.get(reverse(f"groups:{name}", args=args), query)


# -- who sees it ------------------------------------------------------------------------------------------------------


def people(group):
    organizer, other = group.cohort.camp.organizer, class_of()
    left = seated(group)
    unseat_learner(enrollment=left, at=clock.now())
    refunded = seated(group)
    Enrollment.objects.filter(pk=refunded.pk).update(ended_at=clock.now())
    return {
        "learner": seated(group).learner,
        "head teacher": teacher_of(group),
        "mentor": teacher_of(group, MemberKind.MENTOR),
        "operator": RoleFactory(organizer=organizer).user,
        "owner": RoleFactory(organizer=organizer, kind=RoleKind.OWNER).user,
        "learner of another class": seated(class_of(group.cohort)).learner,
        "learner without a class": enrolled(group.cohort).learner,
        "teacher of another class": teacher_of(other),
        "operator of another organizer": RoleFactory(organizer=other.cohort.camp.organizer).user,
        "one who left": left.learner,
        "one refunded": refunded.learner,
        "a place without an enrollment": MembershipFactory(group=group).user,
        "superuser": UserFactory(is_superuser=True, is_staff=True),
        "stranger": UserFactory(),
    }


INSIDE = {"learner", "head teacher", "mentor", "operator", "owner"}
STAFF = INSIDE - {"learner"}


@pytest.mark.figures
def test_only_people_of_the_class_see_it_and_only_its_staff_supervise(client, group):
    post = PostFactory(group=group, body="班内的话")
    pages = {
        ("show", (group.pk,)): INSIDE,
        ("posts", (group.pk,)): INSIDE,
        ("post", (group.pk, post.pk)): INSIDE,
        ("wall", (group.pk,)): INSIDE,
        ("members", (group.pk,)): INSIDE,
        ("supervision", (group.pk,)): STAFF,
        ("export", (group.pk,)): STAFF,
    }
    cells = leaks = 0
    for who, user in people(group).items():
        client.force_login(user)
        for (name, args), allowed in pages.items():
            response = page(client, name, *args)
            cells += 1
            leaks += who not in allowed and (response.status_code != 404 or "班内的话" in response.content.decode())
            assert response.status_code == (200 if who in allowed else 404), (who, name)
    print(f"\nclass pages x people: {leaks} leaks in {cells} cells")
    assert leaks == 0


@pytest.mark.figures
def test_only_people_of_the_class_write_in_it(client, group):
    said = {"body": "x", "key": "k", "liked": "1"}
    cells = 0
    for who, user in people(group).items():
        client.force_login(user)
        post = PostFactory(group=group)
        doors = {
            "posts": ((group.pk,), INSIDE),
            "replies": ((group.pk, post.pk), INSIDE),
            "likes": ((group.pk, post.pk), INSIDE),
            "removal": ((group.pk, post.pk), STAFF),
            "nudges": ((group.pk,), STAFF),
        }
        for name, (args, allowed) in doors.items():
            before = Post.objects.count(), Like.objects.count(), Nudge.objects.count(), Post.objects.standing().count()
            status = client.post(reverse(f"groups:{name}", args=args), said).status_code
            after = Post.objects.count(), Like.objects.count(), Nudge.objects.count(), Post.objects.standing().count()
            cells += 1
            if who in allowed:
                assert status in {302, 422, 400}, (who, name, status)
            else:
                assert status in ({403} if who in INSIDE and name == "removal" else {404}), (who, name, status)
                assert before == after
    print(f"class writes x people: {cells} cells, nothing written by others")


def test_who_is_not_signed_in_is_asked_to(client, group):
    for name in ("show", "wall", "members", "supervision", "export"):
        response = page(client, name, group.pk)
        assert response.status_code == 302
        assert response["Location"].startswith(reverse("account_login"))


def test_a_post_of_another_class_is_not_reached_through_ones_own(client, group, learner):
    elsewhere = PostFactory()

    assert page(client, "post", group.pk, elsewhere.pk).status_code == 404
    assert client.post(reverse("groups:likes", args=[group.pk, elsewhere.pk]), {"liked": "1"}).status_code == 404


def test_leaving_closes_the_page_at_once(client, group, learner):
    assert page(client, "show", group.pk).status_code == 200
    unseat_learner(enrollment=Enrollment.objects.get(learner=learner), at=clock.now())
    assert page(client, "show", group.pk).status_code == 404


# -- the feed ---------------------------------------------------------------------------------------------------------


def test_the_page_shows_topic_posts_wall_and_rhythm(client, group, learner, head):
    TopicFactory(camp=group.cohort.camp, day=2)
    TopicFactory(camp=group.cohort.camp, day=3, title={"zh-hans": "明天的主题"})
    publish_post(group=group, author=head, body="今晚八点答疑", key="a", at=clock.now())

    text = page(client, "show", group.pk).content.decode()

    assert "今天的主题" in text
    assert "明天的主题" not in text
    assert "今晚八点答疑" in text
    assert "1 位学员，0 位已打卡，1 位还没打卡" in text
    assert "一班" in text


def test_learners_and_staff_get_their_own_frame(client, group, learner, head):
    mine = page(client, "show", group.pk)
    theirs = page(as_person(client, head), "show", group.pk)

    assert "web/phone.html" in [template.name for template in mine.templates]
    assert "web/desk.html" in [template.name for template in theirs.templates]
    assert reverse("groups:supervision", args=[group.pk]) not in mine.content.decode()


def test_nothing_people_write_runs_as_script(client, group, head):
    user = seated(group, UserFactory(name="<script>alert(2)</script>")).learner
    client.force_login(user)
    client.post(reverse("groups:posts", args=[group.pk]), {"body": EVIL, "key": "k"})
    post = Post.objects.get()
    client.post(reverse("groups:replies", args=[group.pk, post.pk]), {"body": EVIL, "key": "k2"})
    task = group.cohort.camp.tasks.get(day=2, kind="check_in")
    client.post(reverse("groups:check_in", args=[task.pk]), {"text": EVIL})

    looked_at = [
        page(client, "show", group.pk),
        page(client, "post", group.pk, post.pk),
        page(client, "wall", group.pk),
        page(client, "members", group.pk),
        page(client, "check_in", task.pk),
        page(as_person(client, head), "supervision", group.pk),
    ]

    for response in looked_at:
        text = response.content.decode()
        assert response.status_code == 200
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert 'href="javascript' not in text
    assert "<strong>粗</strong>" in looked_at[0].content.decode()
    assert "onerror=alert" in looked_at[0].content.decode()  # as typed, between &lt; and &gt;


def test_posting_works_without_scripts_and_the_same_key_twice_posts_once(client, group, learner):
    for _ in range(2):
        response = client.post(reverse("groups:posts", args=[group.pk]), {"body": "分母找到了", "key": "k"})
        post = Post.objects.get()
        assert response["Location"] == f"/class/{group.pk}/#post-{post.pk}"

    assert "分母找到了" in client.get(response["Location"]).content.decode()


def test_a_script_gets_the_new_post_as_a_part_with_a_new_key(client, group, learner):
    response = client.post(reverse("groups:posts", args=[group.pk]), {"body": "分母找到了", "key": "k"}, headers=PART)

    assert response.status_code == 201
    assert "<html" not in response.content.decode()
    assert response["X-Newest"] == str(Post.objects.get().pk)
    assert response["X-New-Key"] not in {"", "k"}


def test_what_cannot_be_posted_stays_in_the_box(client, group, learner):
    long = "字" * 4001

    plain = client.post(reverse("groups:posts", args=[group.pk]), {"body": long, "key": "k"})
    part = client.post(reverse("groups:posts", args=[group.pk]), {"body": "", "key": "k"}, headers=PART)

    assert plain.status_code == 422
    assert long in plain.content.decode()
    assert (part.status_code, part["Content-Type"]) == (400, "text/plain; charset=utf-8")
    assert part.content.decode() == "写几句，或者加一张图。"


def test_a_picture_is_kept_and_opens_only_for_who_looks(client, group, learner, head):
    client.post(reverse("groups:posts", args=[group.pk]), {"body": "", "picture": picture(), "key": "k"})
    post = Post.objects.get()

    mine = page(client, "show", group.pk).content.decode()
    theirs = page(as_person(client, head), "show", group.pk).content.decode()

    assert post.picture.startswith(f"groups/{group.pk}/")
    assert quote(post.picture) in mine
    assert mine.split("/media/")[1][:60] != theirs.split("/media/")[1][:60]


def test_a_file_that_is_no_picture_is_refused_and_the_words_stay(client, group, learner):
    upload = SimpleUploadedFile("x.png", b"<svg onload=alert(1)>", "image/png")

    response = client.post(reverse("groups:posts", args=[group.pk]), {"body": "看图", "picture": upload, "key": "k"})

    assert response.status_code == 415
    assert "看图" in response.content.decode()
    assert Post.objects.count() == 0


def test_only_staff_write_to_everyones_today(client, group, learner, head):
    client.post(reverse("groups:posts", args=[group.pk]), {"body": "我来", "key": "k", "note": "1"})
    as_person(client, head).post(reverse("groups:posts", args=[group.pk]), {"body": "我来", "key": "k", "note": "1"})

    assert list(Post.objects.order_by("pk").values_list("kind", flat=True)) == [PostKind.POST, PostKind.NOTE]


def test_looking_marks_as_read_up_to_the_newest(client, group, learner):
    newest = [PostFactory(group=group) for _ in range(2)][-1]

    page(client, "show", group.pk, kind="check_in")
    assert Membership.objects.get(user=learner).read_up_to == 0
    page(client, "show", group.pk)
    assert Membership.objects.get(user=learner).read_up_to == newest.pk


def test_new_posts_come_as_a_part_and_old_ones_on_the_next_page(client, group, learner):
    posts = [PostFactory(group=group, body=f"第 {number} 条") for number in range(23)]

    part = page(client, "posts", group.pk, after=posts[-2].pk)
    older = page(client, "show", group.pk, before=posts[3].pk)

    assert "第 22 条" in part.content.decode()
    assert "第 21 条" not in part.content.decode()
    assert "第 2 条" in older.content.decode()
    assert "第 22 条" not in older.content.decode()


@pytest.mark.parametrize(
    "query", [{"before": "x"}, {"after": "-1"}, {"before": "9" * 40}, {"kind": "nonsense"}, {"after": "²"}]
)
def test_senseless_addresses_are_no_trouble(client, group, learner, query):
    assert page(client, "show", group.pk, **query).status_code == 200
    assert page(client, "posts", group.pk, **query).status_code == 200
    assert client.get(f"/class/{group.pk}/wall/", {"day": query.get("before", "²")}).status_code == 200


def test_liking_works_with_and_without_scripts(client, group, learner):
    post = PostFactory(group=group)
    address = reverse("groups:likes", args=[group.pk, post.pk])

    plain = client.post(address, {"liked": "1"})
    part = client.post(address, {"liked": "0"}, headers=PART)

    assert plain["Location"] == f"/class/{group.pk}/#post-{post.pk}"
    assert 'aria-pressed="false"' in part.content.decode()
    assert Like.objects.count() == 0


def test_replying_works_with_and_without_scripts(client, group, learner):
    post = PostFactory(group=group, author=learner)
    address = reverse("groups:replies", args=[group.pk, post.pk])

    plain = client.post(address, {"body": "第一句", "key": "a"})
    part = client.post(address, {"body": "第二句", "key": "b"}, headers=PART)
    empty = client.post(address, {"body": " ", "key": "c"})

    assert plain["Location"] == reverse("groups:post", args=[group.pk, post.pk])
    assert part.status_code == 201
    assert "第二句" in part.content.decode()
    assert (empty.status_code, "写几句" in empty.content.decode()) == (400, True)


def test_an_author_removes_a_post_and_another_learner_cannot(client, group, learner):
    mine, theirs = PostFactory(group=group, author=learner), PostFactory(group=group)

    assert client.post(reverse("groups:removal", args=[group.pk, mine.pk])).status_code == 302
    assert client.post(reverse("groups:removal", args=[group.pk, theirs.pk])).status_code == 403
    assert list(Post.objects.standing()) == [theirs]


def test_a_get_changes_nothing(client, group, learner):
    post = PostFactory(group=group)
    for name in ("likes", "replies", "removal"):
        assert client.get(reverse(f"groups:{name}", args=[group.pk, post.pk])).status_code == 405
    assert client.get(reverse("groups:nudges", args=[group.pk])).status_code == 405


def cost(client, *address):
    with CaptureQueriesContext(connection) as queries:
        assert page(client, *address).status_code == 200
    return len(queries)


@pytest.mark.figures
def test_the_page_costs_the_same_whatever_is_said(client, group, learner):
    def say(count):
        for _ in range(count):
            post = PostFactory(group=group, author=seated(group).learner)
            PostFactory(group=group, author=learner, parent=post)
            Like.objects.create(post=post, user=learner, at=clock.now())

    say(1)
    page(client, "show", group.pk)
    Membership.objects.filter(user=learner).update(read_up_to=10_000_000)
    one = cost(client, "show", group.pk)
    say(24)

    twenty_five = cost(client, "show", group.pk)
    print(f"\nclass page: {one} queries for 1 post, {twenty_five} for 25")
    assert one == twenty_five


def test_a_traveller_sees_the_class_as_the_learner_and_leaves_no_trace(rf, group, learner, head):
    PostFactory(group=group, picture=f"groups/{group.pk}/a.webp")
    request = rf.get(reverse("groups:show", args=[group.pk]))
    request.user, request.traveller, request.at = learner, head, clock.now()

    context = frame(request, entry_of(learner, group), at=request.at, live=True)
    found = feed(entry_of(learner, group), learner, at=request.at, eyes=viewer_id(request))
    _mark_read(request, entry_of(learner, group), found)

    token = found.items[0].picture_url.split("/")[2]
    assert "live_ticket" not in context
    assert read_media_pass(token, at=clock.now()).user_id == head.pk
    assert Membership.objects.get(user=learner).read_up_to == 0


# -- check-ins --------------------------------------------------------------------------------------------------------


def task_of(group, day=2):
    return group.cohort.camp.tasks.get(day=day, kind="check_in")


def test_checking_in_is_a_form_and_leads_to_the_post(client, group, learner):
    address = reverse("groups:check_in", args=[task_of(group).pk])

    assert client.get(address).status_code == 200
    response = client.post(address, {"text": "找到了分母", "picture": picture()})

    done = CheckIn.objects.get()
    assert response["Location"] == f"/class/{group.pk}/#post-{done.post_id}"
    assert done.post.picture
    assert "找到了分母" in client.get(address).content.decode()


def test_words_typed_stay_when_the_check_in_is_not_taken(client, group, learner):
    address = reverse("groups:check_in", args=[task_of(group).pk])
    no_picture = SimpleUploadedFile("x.png", b"nothing", "image/png")

    refused = client.post(address, {"text": "我写了很久", "picture": no_picture})
    empty = client.post(address, {"text": "  "})

    assert (refused.status_code, "我写了很久" in refused.content.decode()) == (415, True)
    assert (empty.status_code, "写几句就行，一句也可以" in empty.content.decode()) == (422, True)
    assert CheckIn.objects.count() == 0


def test_a_day_that_is_not_open_shows_when_it_opens_and_takes_nothing(client, group, learner):
    address = reverse("groups:check_in", args=[task_of(group, 3).pk])

    shown = client.get(address)
    sent = client.post(address, {"text": "抢先"})

    assert "明天 08:00" in shown.content.decode()
    assert sent.status_code == 409
    assert CheckIn.objects.count() == 0


@pytest.mark.parametrize("who", ["head", "stranger"])
def test_check_ins_are_for_learners_of_the_class(client, group, head, who):
    client.force_login({"head": head, "stranger": UserFactory()}[who])

    assert client.get(reverse("groups:check_in", args=[task_of(group).pk])).status_code == 404


def test_a_task_that_is_no_check_in_has_no_such_page(client, group, learner):
    submission = group.cohort.camp.tasks.get(day=2, kind="submission")

    assert client.get(reverse("groups:check_in", args=[submission.pk])).status_code == 404


def test_the_wall_shows_a_days_check_ins_and_no_future_day(client, group, learner):
    check_in(task=task_of(group, 1), learner=learner, group=group, text="第一天写的", at=clock.now())

    assert "第一天写的" in page(client, "wall", group.pk, day=1).content.decode()
    assert "第一天写的" not in page(client, "wall", group.pk).content.decode()
    assert "?day=3" not in page(client, "wall", group.pk, day=3).content.decode()


@pytest.mark.parametrize("day", ["0", "-1", "x", "٣", "00011111111111", "1" + "0" * 5000])
def test_a_day_that_is_none_is_today(client, group, learner, day):
    assert page(client, "wall", group.pk, day=day).status_code == 200


def test_before_the_camp_the_class_is_not_asked_to_check_in(client, group, learner, head):
    with clock.frozen(group.cohort.opens_at(1) - timedelta(days=9)):
        client.force_login(learner)
        shown, wall = (page(client, name, group.pk).content.decode() for name in ("show", "wall"))
        kpis = page(as_person(client, head), "supervision", group.pk).content.decode()

    assert "今日打卡" not in shown
    assert "去打卡" not in shown + wall
    assert "7 月 16 日 08:00 解锁" in " ".join(wall.split())
    assert "第 1 天，今天" not in kpis
    assert "7 月 16 日 08:00 开始" in " ".join(kpis.split())


# -- supervision ------------------------------------------------------------------------------------------------------


@pytest.fixture
def behind(group):
    return seated(group, UserFactory(name="学员 N"), last_seen_at=clock.now() - timedelta(hours=31)).learner


def test_the_head_teacher_sees_whom_to_contact_and_why_with_a_draft(client, group, head, behind):
    text = page(as_person(client, head), "supervision", group.pk).content.decode()

    assert "31 小时没打开。" in text
    assert "学员 N，《课 l1》还没打开，今晚抽 2 分钟就能看完，有问题直接回我。" in text
    assert "失联" in text


def test_sending_the_draft_reminds_and_the_row_says_so(client, group, head, behind):
    client.force_login(head)
    sent = {"to": behind.pk, "text": "{name}，今晚看完 L1", "reason": "away", "key": "k"}

    first = client.post(reverse("groups:nudges", args=[group.pk]), {**sent, "show": "unchecked"})
    client.post(reverse("groups:nudges", args=[group.pk]), sent)

    nudge = Nudge.objects.get()
    assert (nudge.text, nudge.by) == ("学员 N，今晚看完 L1", head)
    assert first["Location"] == f"/class/{group.pk}/supervision/?show=unchecked"
    text = page(client, "supervision", group.pk).content.decode()
    assert "19:42 已提醒，未读" in text
    assert "再联系" in text or "发送" in text


def test_many_are_reminded_at_once_each_in_their_language(client, group, head, behind):
    other = seated(group, UserFactory(name="Nina", language="en")).learner
    client.force_login(head)

    client.post(reverse("groups:nudges", args=[group.pk]), {"to": [behind.pk, other.pk], "text": "", "key": "k"})

    assert set(Nudge.objects.values_list("learner", flat=True)) == {behind.pk, other.pk}
    assert Nudge.objects.get(learner=other).text.startswith("Nina, “Lesson l1” is waiting")


def test_nobody_outside_the_class_is_reminded_and_typed_words_stay(client, group, head, behind):
    client.force_login(head)

    outsider = client.post(
        reverse("groups:nudges", args=[group.pk]), {"to": UserFactory().pk, "text": "写好的话", "key": "k"}
    )
    nobody = client.post(reverse("groups:nudges", args=[group.pk]), {"text": "写好的话", "key": "k"})

    assert (outsider.status_code, nobody.status_code) == (422, 400)
    assert "写好的话" in outsider.content.decode()
    assert "写好的话" in nobody.content.decode()
    assert Nudge.objects.count() == 0


@pytest.mark.parametrize(
    "query",
    [
        {"show": "unwatched"},
        {"show": "unchecked"},
        {"show": "unsubmitted"},
        {"sort": "name"},
        {"sort": "seen"},
        {"open": "fine"},
        {"who": "nobody"},
        {"show": "x", "sort": "y", "who": "999999"},
    ],
)
def test_filters_and_orders(client, group, head, behind, query):
    response = page(as_person(client, head), "supervision", group.pk, **query)

    assert response.status_code == 200
    assert "学员 N" in response.content.decode()


def test_a_filter_leaves_out_who_has_done_it(client, group, head, behind):
    done = seated(group, UserFactory(name="学员 A")).learner
    check_in(task=task_of(group), learner=done, group=group, text="x", at=clock.now())

    text = page(as_person(client, head), "supervision", group.pk, show="unchecked").content.decode()

    assert "学员 N" in text
    assert "学员 A" not in text


def test_an_empty_class_says_why_it_is_empty(client, group, head):
    assert "这个班还没有学员" in page(as_person(client, head), "supervision", group.pk).content.decode()


def test_the_export_has_everyone_and_no_formulas(client, group, head):
    for name in ("=HYPERLINK(1)", "+1", "-1", "@x", "\t=1", "＝1+1", "学员 A"):
        seated(group, UserFactory(name=name))

    response = page(as_person(client, head), "export", group.pk)
    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))

    assert response["Content-Disposition"].startswith("attachment")
    names = {"'=HYPERLINK(1)", "'+1", "'-1", "'@x", "'\t=1", "'＝1+1", "学员 A"}
    assert {row[0] for row in rows[1:]} == names
    assert all(not cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row)
    assert rows[0][:3] == ["姓名", "状态", "L1 %"]


@pytest.mark.figures
def test_the_page_costs_the_same_for_any_class(client, group, head):
    client.force_login(head)
    seated(group)
    page(client, "supervision", group.pk)
    one = cost(client, "supervision", group.pk)
    for number in range(40):
        seated(group, last_seen_at=clock.now() - timedelta(hours=number))

    many = cost(client, "supervision", group.pk)

    print(f"\nsupervision page: {one} queries for 1 learner, {many} for 41")
    assert one == many
