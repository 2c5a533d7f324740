"""The cast of the demo, and what they say. Everybody here is invented."""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext_lazy as _

FIRST = "禾澈宁夏舟晴岚澄麦苏芮辰言乔沐"
SECOND = "小阿大老"
TAILS = ("", "同学", "在路上", "想转行", "爱复盘", "不熬夜", "慢慢来")


class Pace(StrEnum):
    """How a simulated learner studies."""

    KEEN = "keen"
    STEADY = "steady"
    SLOW = "slow"
    STUCK = "stuck"
    LOST = "lost"


PACES = {Pace.KEEN: 40, Pace.STEADY: 47, Pace.SLOW: 7, Pace.STUCK: 3, Pace.LOST: 3}
"""How many of a hundred learners study in which way."""


@dataclass(frozen=True, slots=True)
class Part:
    """One of the people a visitor of the demo may be."""

    key: str
    email: str
    name: str
    label: object
    hint: object


PARTS = (
    Part("learner", "learner@debut.example", "小禾", _("Learner on day 2"), _("Today, the course, a video, the class")),
    Part("head-teacher", "su@debut.example", "苏老师", _("Head teacher"), _("Who needs a word now, and why")),
    Part("mentor", "zhou@debut.example", "周老师", _("Mentor"), _("The class, as a mentor sees it")),
    Part("operator", "operator@debut.example", "阿澈", _("Operator"), _("Seats, orders, learners, time travel")),
    Part("owner", "owner@debut.example", "老板", _("Owner"), _("The operator's desk and the back office")),
)

CHECK_INS = {
    1: (
        "今天才发现，我做了半年的“答疑”其实就是运营：有人问，我答，下次就少一个人问。",
        "把这周的日报重写了一遍，“跟进社群”改成“回复 43 条提问，其中 11 条写进了常见问题”。像样多了。",
        "π 的两条腿，我选了数据和内容。数据是弱项，但岗位要求里十条有七条写它。",
        "以前觉得运营是打杂。今天的图画完，发现杂事后面都连着一个数。",
        "画能力图的时候卡住了：会的很多，能拿出证据的只有两样。这两样就是简历。",
        "客服出身，本来有点心虚。第一课说从这里开始最好，我把三个月的工单按原因分了类，真的有东西可讲。",
        "我的一句话：让买过一次的人，愿意再来一次。",
        "自己的弱项是写，今天开始每天写一百字，先写给自己看。",
    ),
    2: (
        "见过最好的一次活动是楼下书店的换书日：门槛只有一本书，来的人都带了朋友。",
        "我找到的分母：推文送达 12,000，点开 1,320，进报名页 96。原来掉在第三步。",
        "以前只报“报名 183”，今天补上“看到的人 48,200”，领导第一次问我下一步打算怎么改。",
        "漏斗画完，最大的坑是报名页第二屏要填公司和职位。先删掉再说。",
        "我们上次活动的分母根本没人记，只能从后台倒推。下次先建表，再发推文。",
        "把活动目标从“热闹一点”改成“周五前 60 人报名，到场一半”，立刻知道要找谁帮忙了。",
    ),
}

POSTS = (
    "有人和我一样是从客服转过来的吗？想看看大家怎么写这段经历。",
    "L4 的漏斗表我套到小区团购上了：看到 400，点开 61，下单 9。原来问题不在价格，在点开。",
    "分享一个小习惯：每次开完会，先写一句“这件事的分母是什么”。写不出来，就是还没想清楚。",
    "今晚九点有人想一起过一遍第 2 天的作业吗？各自画好漏斗，互相挑一处。",
    "请教一下，线下活动没有曝光数，第一层怎么算？我先用了路过易拉宝的扫码数。",
    "昨天的能力图我贴在显示器边上了，今天上班第一次觉得手上的活能归到哪一条。",
)

REPLIES = (
    "我也是客服转的。我写的是“把重复问题从每周 40 个降到 12 个”，面试官问了很久。",
    "可以拿能数到的最早一步：扫码、签到桌路过，都行，把口径写清楚。",
    "算我一个，九点我在。",
    "这个好，抄走了。",
)

MENTOR_REPLY = "先别急着改页面。看看推文里的报名入口放在第几屏，再看那一屏有多少人读到。"

NOTE = (
    "昨晚好几位同学问“漏斗第一层从哪儿算”，答案都在 L4 的前三分钟：分母写“看到的人”。\n"
    "今天的作业不用漂亮，手画拍照也行，写出每一步的两个数就够了。有问题直接在群里问我。"
)

SUBMISSIONS = (
    "看到 12,000；点开 1,320（11%）；进报名页 96（7.3%）；报名 41（43%）。掉在进报名页这一步，下一步把入口提到第一屏。",
    "送达 4,800；打开 620；点报名 88；提交 52；到场 31。最大的掉点是打开，标题要重写。",
    "群里 380 人；看到消息 210；点开 74；报名 29。准备把发布时间从上午改到晚上八点。",
)

MAP = (
    "第一条腿：数据，会做日报、会拆漏斗，证据是工单分类表。第二条腿：内容，写过 12 篇常见问题。"
    "横线：写清楚、约得到人、说到做到。"
)
