"""Pages that span rooms: a learner's own, and the operator's desk."""

from kaiying.pages.views.desk import desk, orders, overview, refund
from kaiying.pages.views.learner import home, me, today, welcome
from kaiying.pages.views.live import sale, sale_act, sale_screen
from kaiying.pages.views.roll import learner, learners, override_withdrawal, overrides, travel, travel_end

__all__ = [
    "desk",
    "home",
    "learner",
    "learners",
    "me",
    "orders",
    "override_withdrawal",
    "overrides",
    "overview",
    "refund",
    "sale",
    "sale_act",
    "sale_screen",
    "today",
    "travel",
    "travel_end",
    "welcome",
]
