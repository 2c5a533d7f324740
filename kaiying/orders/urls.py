"""Addresses of this room."""

from django.urls import path

from kaiying.orders import views

app_name = "orders"
urlpatterns = [
    path("seats/<int:claim>/", views.checkout, name="checkout"),
    path("orders/", views.listing, name="list"),
    path("orders/<slug:number>/", views.show, name="show"),
    path("pay/callbacks/<slug:provider>/", views.callbacks, name="callbacks"),
]
