"""Pages of the groups room."""

from kaiying.groups.views.check_ins import check_in, wall
from kaiying.groups.views.feed import likes, post, posts, removal, replies, show
from kaiying.groups.views.members import members
from kaiying.groups.views.supervision import export, nudges, supervision

__all__ = [
    "check_in",
    "export",
    "likes",
    "members",
    "nudges",
    "post",
    "posts",
    "removal",
    "replies",
    "show",
    "supervision",
    "wall",
]
