"""The few of allauth's pages that we use: ask for a code, enter it, sign out."""

from allauth.account import views
from django.urls import path

from kaiying.people.views import enter_code, sign_in

urlpatterns = [
    path("sign-in/", sign_in, name="account_login"),
    path("sign-in/", sign_in, name="account_request_login_code"),
    path("sign-in/code/", enter_code, name="account_confirm_login_code"),
    path("sign-out/", views.logout, name="account_logout"),
    # allauth reverses these names; both lead to the one way in.
    path("sign-in/", sign_in, name="account_signup"),
    path("sign-in/", sign_in, name="account_inactive"),
]
