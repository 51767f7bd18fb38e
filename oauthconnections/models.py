"""What an administrator tells this site about itself, and about the providers at which its accounts sign in."""

from datetime import datetime
from typing import Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from .external_url import ExternalURLField, is_locked, locked_url
from .fields import EncryptedTextField


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


class ProviderKind(models.TextChoices):
    MICROSOFT = "microsoft", "Microsoft"
    GOOGLE = "google", "Google"
    OPENID = "openid", _("Other (OpenID Connect)")


class OAuthConnection(models.Model):
    """The registration of this site at a provider (RFC 6749 section 2): a client."""

    name = models.CharField(
        _("name"), max_length=100, unique=True, help_text=_("For you, such as “Microsoft 365 of Example Ltd”.")
    )
    provider = models.CharField(_("provider"), max_length=20, choices=ProviderKind.choices)
    client_id = models.CharField(_("client ID"), max_length=255)
    client_secret = EncryptedTextField(_("client secret"), blank=True, default="")
    certificate = EncryptedTextField(
        _("certificate"),
        blank=True,
        default="",
        help_text=_("Instead of a client secret: the private key and the certificate, both in PEM form."),
    )
    secret_expires_on = models.DateField(
        _("secret expires on"),
        null=True,
        blank=True,
        help_text=_("The day that the provider shows beside the secret or certificate. You are warned ahead of it."),
    )
    tenant = models.CharField(_("tenant"), max_length=255, blank=True)
    issuer = models.CharField(_("issuer"), max_length=500, blank=True)
    extra_scopes = models.CharField(_("additional scopes"), max_length=1000, blank=True)
    authority = models.CharField(_("authority"), max_length=500, blank=True)
    authorize_url = models.CharField(_("authorization endpoint"), max_length=500, blank=True)
    token_url = models.CharField(_("token endpoint"), max_length=500, blank=True)
    metadata = models.JSONField(default=dict, editable=False)
    """What the issuer says of itself (OpenID Connect Discovery 1.0 section 3), as it was found last."""

    class Meta:
        verbose_name = _("OAuth connection")
        verbose_name_plural = _("OAuth connections")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class AccountKind(models.TextChoices):
    USER = "user", _("Somebody who signed in")
    APPLICATION = "application", _("The application itself")


class OAuthAccount(models.Model):
    """Somebody who signed in through a connection, or the application itself (RFC 6749 section 4.4): its tokens."""

    connection = models.ForeignKey(
        OAuthConnection, models.CASCADE, related_name="accounts", verbose_name=_("OAuth connection")
    )
    kind = models.CharField(_("kind"), max_length=20, choices=AccountKind.choices, default=AccountKind.USER)
    email = models.EmailField(_("email address"), max_length=320, blank=True)
    username = models.CharField(_("name at the provider"), max_length=320, blank=True)
    subject = models.CharField(pgettext_lazy("OAuth account", "subject"), max_length=255, blank=True)
    scopes = models.TextField(_("scopes"), blank=True)
    access_token = EncryptedTextField(_("access token"), blank=True, default="")
    refresh_token = EncryptedTextField(_("refresh token"), blank=True, default="")
    expires_at = models.DateTimeField(_("access token expires"), null=True, blank=True)
    last_refreshed_at = models.DateTimeField(_("renewed"), null=True, blank=True)
    last_error = models.TextField(_("last error"), blank=True)
    needs_authentication = models.BooleanField(_("needs authentication"), default=False)
    authenticated_at = models.DateTimeField(_("authenticated"), null=True, blank=True)
    authenticated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("by")
    )
    claims = models.JSONField(default=dict, editable=False)
    """What the provider says of who it is (ids and names), never a token."""

    class Meta:
        verbose_name = _("OAuth account")
        verbose_name_plural = _("OAuth accounts")
        ordering = ["connection", "email", "pk"]
        default_permissions = ("view", "delete")
        permissions = [("authenticate_oauthaccount", _("Can authenticate accounts"))]

    def __str__(self) -> str:
        return self.login or gettext("Application %(id)s") % {"id": self.connection.client_id}

    @property
    def login(self) -> str:
        """The name under which the account logs in somewhere: what the provider calls it, else its address."""
        return self.username or self.email


HANDLED_FOR: Final = 600
"""Seconds in which somebody has to come back from the provider (S-5)."""


class Authorization(models.Model):
    """A sign-in that was begun: what has to be known when the browser comes back with its state (RFC 6749, 4.1)."""

    state_hash = models.CharField(max_length=64, unique=True)
    browser_hash = models.CharField(max_length=64)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    connection = models.ForeignKey(OAuthConnection, models.CASCADE, related_name="+")
    account = models.ForeignKey(OAuthAccount, models.SET_NULL, null=True, related_name="+")
    consumer = models.CharField(max_length=100, blank=True)
    reference = models.CharField(max_length=200, blank=True)
    return_to = models.CharField(max_length=500)
    redirect_uri = models.CharField(max_length=500)
    scopes = models.TextField()
    context = EncryptedTextField(default="")
    """What the provider's library keeps between the two legs, as JSON: PKCE verifier, nonce."""
    began_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return gettext("Begun %(time)s") % {"time": date_format(timezone.localtime(self.began_at), "DATETIME_FORMAT")}

    def is_late(self, now: datetime) -> bool:
        return (now - self.began_at).total_seconds() > HANDLED_FOR


def _usable_locked_url() -> str:
    try:
        return locked_url()
    except ValidationError:
        return ""  # oauthconnections.E001 tells; whoever asks has a fall-back
