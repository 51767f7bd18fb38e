"""To be included by a project, as in `path("oauth/", include("oauthconnections.urls"))`."""

from django.urls import path

from . import views

app_name = "oauthconnections"
urlpatterns = [
    path("callback/", views.callback, name="callback"),
    path("again/<int:pk>/", views.again, name="again"),
]
