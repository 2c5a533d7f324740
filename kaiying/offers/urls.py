"""Addresses of the offers room."""

from django.urls import path

from kaiying.offers import views

app_name = "offers"
urlpatterns = [
    path("c/<slug:slug>/claims/", views.claims, name="claim"),
    path("c/<slug:slug>/numbers/", views.numbers, name="numbers"),
    path("c/<slug:slug>/queue/", views.queue, name="queue"),
    path("c/<slug:slug>/queue/bell/", views.bell, name="bell"),
    path("c/<slug:slug>/reservation/", views.reservation, name="reservation"),
    path("c/<slug:slug>/waitlist/", views.waitlist, name="waitlist"),
    path("c/<slug:slug>/waitlist/departure/", views.departure, name="leave"),
    path("seats/<int:pk>/return/", views.giving_back, name="release"),
]
