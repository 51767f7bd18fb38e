"""Addresses for probes and Prometheus; a project includes them at its root."""

from django.urls import path

from . import views

app_name = "mailconfig_monitoring"
urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("healthz/live", views.live, name="live"),
    path("metrics", views.metrics, name="metrics"),
]
