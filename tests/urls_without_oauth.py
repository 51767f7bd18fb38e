"""A project that has forgotten the addresses of oauthconnections."""

from django.contrib import admin
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls)]
