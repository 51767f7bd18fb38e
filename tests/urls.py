"""The admin and its password reset, as Django's documentation mounts them."""

from django.apps import apps
from django.contrib import admin
from django.contrib.auth import views
from django.http import HttpResponse
from django.urls import include, path

urlpatterns = [
    path("admin/password_reset/", views.PasswordResetView.as_view(), name="admin_password_reset"),
    path("admin/password_reset/done/", views.PasswordResetDoneView.as_view(), name="password_reset_done"),
    path("reset/<uidb64>/<token>/", views.PasswordResetConfirmView.as_view(), name="password_reset_confirm"),
    path("reset/done/", views.PasswordResetCompleteView.as_view(), name="password_reset_complete"),
    path("admin/", admin.site.urls),
    path("oauth/", include("oauthconnections.urls")),
    path("favicon.ico", lambda request: HttpResponse(status=204)),  # which a browser asks for once
]
if apps.is_installed("mailconfig"):
    urlpatterns.append(path("", include("mailconfig.monitoring.urls")))
