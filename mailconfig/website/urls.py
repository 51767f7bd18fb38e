"""Addresses of the ready site."""

from django.contrib import admin
from django.contrib.auth import views
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.generic import RedirectView


def no_icon(request: HttpRequest) -> HttpResponse:
    """Nothing, so that what every browser asks for isn't logged as missing."""
    return HttpResponse(status=204)


urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("favicon.ico", no_icon),
    path("admin/password_reset/", views.PasswordResetView.as_view(), name="admin_password_reset"),
    path("admin/password_reset/done/", views.PasswordResetDoneView.as_view(), name="password_reset_done"),
    path("reset/<uidb64>/<token>/", views.PasswordResetConfirmView.as_view(), name="password_reset_confirm"),
    path("reset/done/", views.PasswordResetCompleteView.as_view(), name="password_reset_complete"),
    path("admin/", admin.site.urls),
    path("oauth/", include("oauthconnections.urls")),
    path("", include("mailconfig.monitoring.urls")),
]
