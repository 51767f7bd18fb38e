"""What an administrator tells this site about itself."""

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .external_url import ExternalURLField, is_locked, locked_url


class WebServerManager(models.Manager["WebServer"]):
    def external_url(self, stored: str | None = None) -> str:
        """The address of this site for the world, without a slash at the end; "" if unknown.

        The setting EXTERNAL_URL wins. `stored` saves the query when the saved address has been read already.
        """
        if is_locked():
            return _usable_locked_url()
        if stored is None:
            stored = self.values_list("external_url", flat=True).first()
        return (stored or "").rstrip("/")


class WebServer(models.Model):
    """The web server as others see it. There is one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    external_url = ExternalURLField(
        _("external visible URL"),
        max_length=255,
        blank=True,
        default="",
        help_text=_(
            "The address of this site as a browser outside sees it, such as https://www.example.com. "
            "A path is part of it if the site lives under one."
        ),
    )

    objects = WebServerManager()

    class Meta:
        verbose_name = _("web server")
        verbose_name_plural = _("web server")
        default_permissions = ("view", "change")

    def __str__(self) -> str:
        return gettext("External visible URL")  # not the address itself: a setting may have overruled it


def _usable_locked_url() -> str:
    try:
        return locked_url()
    except ValidationError:
        return ""  # oauthconnections.E001 tells; whoever asks has a fall-back
