"""Addresses of this room."""

from django.urls import path

from kaiying.pages import views

app_name = "pages"
urlpatterns = [
    path("", views.home, name="home"),
    path("learn/<slug:cohort>/", views.today, name="today"),
    path("learn/<slug:cohort>/welcome/", views.welcome, name="welcome"),
    path("me/", views.me, name="me"),
    path("desk/<slug:cohort>/", views.overview, name="overview"),
    path("desk/<slug:cohort>/start/", views.desk, name="desk"),
    path("desk/<slug:cohort>/sale/", views.sale, name="sale"),
    path("desk/<slug:cohort>/sale/screen/", views.sale_screen, name="sale_screen"),
    path("desk/<slug:cohort>/sale/acts/<slug:kind>/", views.sale_act, name="sale_act"),
    path("desk/<slug:cohort>/orders/", views.orders, name="orders"),
    path("desk/<slug:cohort>/orders/<slug:number>/refund/", views.refund, name="refund"),
    path("desk/<slug:cohort>/learners/", views.learners, name="learners"),
    path("desk/<slug:cohort>/learners/<int:pk>/", views.learner, name="learner"),
    path("desk/<slug:cohort>/learners/<int:pk>/overrides/", views.overrides, name="overrides"),
    path(
        "desk/<slug:cohort>/learners/<int:pk>/overrides/<int:override>/withdrawal/",
        views.override_withdrawal,
        name="override_withdrawal",
    ),
    path("desk/<slug:cohort>/learners/<int:pk>/travel/", views.travel, name="travel"),
    path("travel/end/", views.travel_end, name="travel_end"),
]
