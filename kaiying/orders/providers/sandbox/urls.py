"""The sandbox's address."""

from django.urls import path

from kaiying.orders.providers.sandbox import views

app_name = "sandbox"
urlpatterns = [path("<str:ref>/", views.page, name="page")]
