"""Every address of the product, room by room."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("kaiying.pages.urls")),
    path("", include("kaiying.press.urls")),
    path("", include("kaiying.offers.urls")),
    path("", include("kaiying.orders.urls")),
    path("learn/<slug:cohort>/", include("kaiying.learning.urls")),
    path("class/", include("kaiying.groups.urls")),
    path("notices/", include("kaiying.notices.urls")),
    path("", include("kaiying.people.urls")),
    path("account/", include("kaiying.people.account_urls")),
    path("", include("kaiying.web.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
    path("pay/sandbox/", include("kaiying.orders.providers.sandbox.urls")),
]

handler400 = "kaiying.web.views.bad_request"
handler403 = "kaiying.web.views.forbidden"
handler404 = "kaiying.web.views.not_found"
handler500 = "kaiying.web.views.server_error"

if settings.KAIYING_DEMO:
    urlpatterns.append(path("demo/", include("kaiying.rehearsal.urls")))
