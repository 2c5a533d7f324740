"""Addresses of the press room."""

from django.urls import path

from kaiying.press import views

app_name = "press"
urlpatterns = [
    path("robots.txt", views.robots, name="robots"),
    path("favicon.ico", views.favicon, name="favicon"),
    path("c/<slug:slug>/", views.landing, name="landing"),
    path("c/<slug:slug>/card.png", views.share_card, name="share_card"),
]
