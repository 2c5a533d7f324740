"""Addresses of the groups room, below ``/class/``."""

from django.urls import path

from kaiying.groups import views

app_name = "groups"
urlpatterns = [
    path("<int:pk>/", views.show, name="show"),
    path("<int:pk>/posts/", views.posts, name="posts"),
    path("<int:pk>/posts/<int:post>/", views.post, name="post"),
    path("<int:pk>/posts/<int:post>/replies/", views.replies, name="replies"),
    path("<int:pk>/posts/<int:post>/likes/", views.likes, name="likes"),
    path("<int:pk>/posts/<int:post>/removal/", views.removal, name="removal"),
    path("<int:pk>/wall/", views.wall, name="wall"),
    path("<int:pk>/members/", views.members, name="members"),
    path("<int:pk>/supervision/", views.supervision, name="supervision"),
    path("<int:pk>/supervision/export/", views.export, name="export"),
    path("<int:pk>/nudges/", views.nudges, name="nudges"),
    path("check-ins/<int:task>/", views.check_in, name="check_in"),
]
