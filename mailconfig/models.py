"""MailServer: what an administrator configures for one mailer of the project."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from oauthconnections.endpoints import is_loopback
from oauthconnections.fields import EncryptedTextField, Undecryptable
from oauthconnections.models import OAuthAccount, OAuthConnection, WebServer

from . import ehlo
from .exceptions import NotConfigured, PasswordUnreadable
from .fingerprint import clean_fingerprint, validate_fingerprint
from .locks import OAUTH_METHOD, apply_locks, locked_values, refuse_unusable_locks
from .oauth_account import AccessToken, account_to_use, user_name
from .prepared import PreparedQuery
from .presets import Preset, preset_of
from .selector import Selector
from .sending_record import SendingRecord as SendingRecord  # Django finds the models of an app here
from .smtp import ServerSettings
from .storable import storable
from .validators import clean_host, validate_ca_bundle, validate_host, validate_one_line


# "None" without a context would be the admin's, which other languages show as a dash.
class Security(models.TextChoices):
    NONE = "none", pgettext_lazy("connection security", "None")
    STARTTLS = "starttls", _("STARTTLS")
    SSL = "ssl", _("SSL/TLS")


class AuthMethod(models.TextChoices):
    NONE = "none", pgettext_lazy("authentication method", "None")
    AUTO = "auto", _("Automatic")
    PLAIN = "plain", "PLAIN"
    LOGIN = "login", "LOGIN"
    CRAM_MD5 = "cram-md5", "CRAM-MD5"
    XOAUTH2 = OAUTH_METHOD, _("OAuth 2.0")


class EhloSource(models.TextChoices):
    EXTERNAL_URL = "external_url", _("External visible URL")
    PUBLIC_ADDRESS = "public_address", _("Publicly determined address")
    CUSTOM = "custom", _("Custom")


ONE_ADDRESS: Final = _("Enter one e-mail address, such as alerts@example.com.")
NO_SENDER: Final = _("Enter the address that this site sends from.")
OAUTH: Final = ("oauth_connection", "oauth_account")
DEFAULT_PORTS: Final[dict[str, int]] = {Security.NONE: 25, Security.STARTTLS: 25, Security.SSL: 465}


class MailServerManager(models.Manager["MailServer"]):
    def for_alias(self, alias: str) -> "MailServer":
        """The server of a mailer as it is to be used now: one query, locked values applied.

        Raises NotConfigured if there is none, or none with a host.
        """
        server = _by_alias.find(self.db, alias) or MailServer(alias=alias)
        apply_locks(server, alias)
        if not server.effective_host:
            raise NotConfigured(alias=alias, where=settings_page())
        return server


class MailServer(models.Model):
    """The outgoing mail server of one mailer (an alias in MAILERS; "default" with EMAIL_BACKEND)."""

    alias = models.CharField(_("mailer"), max_length=100, unique=True, default="default", editable=False)
    oauth_connection = models.ForeignKey(
        OAuthConnection,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("OAuth connection"),
    )
    oauth_account = models.ForeignKey(
        OAuthAccount, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("account")
    )
    host = models.CharField(
        _("server"),
        max_length=253,
        blank=True,
        validators=[validate_host],
        help_text=_("Name or IP address, such as smtp.example.com."),
    )
    port = models.PositiveIntegerField(
        _("port"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(65535)],
        help_text=_(
            "Leave empty for the usual port. No encryption: 25 or 587. STARTTLS: 25 or 587. SSL/TLS: 465. "
            "Your firewall must allow it."
        ),
    )
    from_email = models.EmailField(
        _("sender address"),
        blank=True,
        error_messages={"invalid": ONE_ADDRESS},
        help_text=_("Mail that names no sender of its own goes out from this address."),
    )
    from_name = models.CharField(
        _("sender name"),
        max_length=200,
        blank=True,
        validators=[validate_one_line],
        help_text=_("Shown beside the address, such as “Example shop”."),
    )
    force_from = models.BooleanField(
        _("always send as this address"),
        default=False,
        help_text=_(
            "Also mail that names another sender: answers then go to that one (Reply-To). "
            "Many providers refuse mail from any but the account's own address."
        ),
    )
    security = models.CharField(
        _("connection security"), max_length=10, choices=Security.choices, default=Security.STARTTLS
    )
    auth_method = models.CharField(
        _("authentication method"),
        max_length=10,
        choices=AuthMethod.choices,
        default=AuthMethod.AUTO,
        help_text=_(
            "Servers inside your network often accept mail without a password. "
            "If you don't know, try None for both first."
        ),
    )
    username = models.CharField(
        _("user name"),
        max_length=320,
        blank=True,
        validators=[validate_one_line],
        help_text=_("Often the full e-mail address of the account."),
    )
    password = EncryptedTextField(_("password"), blank=True, default="", validators=[validate_one_line])
    ehlo_source = models.CharField(
        _("EHLO name"),
        max_length=20,
        choices=EhloSource.choices,
        default=EhloSource.EXTERNAL_URL,
        help_text=_(
            "The name by which this site introduces itself to mail servers. Spam filters look it up: it should be a "
            "name that belongs to the address your mail comes from, and that address should not be a dynamic one."
        ),
    )
    ehlo_name = models.CharField(
        _("custom EHLO name"), max_length=255, blank=True, validators=[ehlo.validate_ehlo_name]
    )
    timeout = models.PositiveSmallIntegerField(
        _("time-out"),
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(600)],
        help_text=_("Seconds to wait for the server before giving up, from 1 to 600."),
    )
    ca_bundle = models.TextField(
        _("own certificate authority"),
        blank=True,
        validators=[validate_ca_bundle],
        help_text=_(
            "Only for a server whose certificate your own organization issued: "
            "the certificate of that authority (PEM), trusted beside the public ones."
        ),
    )
    pinned_certificate = models.CharField(
        _("pinned certificate"),
        max_length=128,
        blank=True,
        validators=[validate_fingerprint],
        help_text=_(
            "SHA-256 fingerprint of the one certificate to trust, whoever issued it and for whatever name. A failed "
            "test email shows it. When the server gets a new certificate, sending stops until that one is pinned."
        ),
    )
    revision = models.PositiveIntegerField(default=0, editable=False)
    tested_at = models.DateTimeField(null=True, editable=False)
    test_error = models.TextField(blank=True, editable=False)

    objects = MailServerManager()

    class Meta:
        verbose_name = _("outgoing mail server (SMTP)")
        verbose_name_plural = _("outgoing mail server (SMTP)")
        default_permissions = ("view", "change")
        permissions = [("send_test_email", _("Can send a test email"))]

    def __str__(self) -> str:
        return f"{self.effective_host}:{self.effective_port}" if self.effective_host else self.alias

    def clean_fields(self, exclude: Any = None) -> None:
        self.host = clean_host(self.host)
        self.username = self.username.strip()
        self.pinned_certificate = clean_fingerprint(self.pinned_certificate)
        super().clean_fields(exclude=exclude)
        if self.ehlo_name:
            self.ehlo_name = ehlo.clean_ehlo_name(self.ehlo_name)

    def clean(self) -> None:
        """Refuse what no server could work with."""
        if self.ehlo_source == EhloSource.CUSTOM and not self.ehlo_name:
            raise ValidationError({"ehlo_name": _("Enter the name to say, or choose another source for it.")})
        if self.oauth_connection:
            self._clean_oauth()
            return
        self.oauth_account = None
        if self.host and not self.from_email:
            raise ValidationError({"from_email": NO_SENDER})
        if self.auth_method != AuthMethod.NONE:
            self._clean_credentials()

    def _clean_credentials(self) -> None:
        if self.auth_method == AuthMethod.XOAUTH2:
            raise ValidationError({"auth_method": _("For OAuth 2.0 choose an OAuth connection under “Settings”.")})
        if self.auth_method != AuthMethod.AUTO and not self.username:
            raise ValidationError({"username": _("Enter the user name, or choose None as authentication method.")})
        if self.username and not self.password:
            raise ValidationError({"password": _("Enter the password, or choose None as authentication method.")})
        if self.password and not self.username:
            raise ValidationError({"username": _("Enter the user name that belongs to the password.")})

    def _clean_oauth(self) -> None:
        account = self.oauth_account
        if account and account.connection_id != self.oauth_connection_id:
            raise ValidationError({"oauth_account": _("This account belongs to another OAuth connection.")})
        if account and not self.from_email:
            self.from_email = account.email
            if not self.from_email:
                raise ValidationError({"from_email": NO_SENDER})
        if self.effective_security == Security.NONE and self.effective_host and not is_loopback(self.effective_host):
            raise ValidationError(
                {"security": _("The access token would be sent in clear text. Choose STARTTLS or SSL/TLS.")}
            )

    @cached_property
    def selector(self) -> Selector:
        return Selector(self)

    # --- what is in force: a locked value, else what the provider wants, else what was entered ---

    @property
    def preset(self) -> Preset | None:
        return preset_of(self.oauth_connection)

    @property
    def effective_host(self) -> str:
        return str(self._effective("host"))

    @property
    def effective_security(self) -> str:
        return str(self._effective("security"))

    @property
    def effective_port(self) -> int:
        """The port used, else the usual one of the connection security (RFC 5321, RFC 8314)."""
        return self._effective("port") or DEFAULT_PORTS.get(self.effective_security, 25)

    def _effective(self, name: str) -> Any:
        preset = self.preset
        return getattr(self, name) if preset is None or name in locked_values(self.alias) else getattr(preset, name)

    @property
    def own_port(self) -> int:
        """As `effective_port`, if there were no OAuth connection."""
        return self.port or self.usual_port

    @property
    def usual_port(self) -> int:
        return DEFAULT_PORTS.get(self.security, 25)

    @property
    def says_password_in_clear(self) -> bool:
        """Whether the password would travel readable (S-17); automatic and CRAM-MD5 never say it."""
        readable = self.security == Security.NONE and self.auth_method in (AuthMethod.PLAIN, AuthMethod.LOGIN)
        return readable and self.oauth_connection_id is None

    @property
    def destination(self) -> list[Any]:
        """Where its secrets go, as JSON has it: what was entered for one server goes to no other (S-2)."""
        return [self.effective_host, self.effective_port, self.effective_security]

    def save_changed(self, fields: Iterable[str]) -> None:
        """Save fields as a new revision, which nobody has tested yet."""
        self.revision += 1
        self.tested_at, self.test_error = None, ""
        self.save(update_fields=[*fields, "revision", "tested_at", "test_error"])

    def note_test(self, error: str) -> None:
        """Remember how a test of the saved settings ended; empty: it was accepted."""
        self.tested_at, self.test_error = timezone.now(), storable(error)
        self.save(update_fields=["tested_at", "test_error"])

    def connection_settings(self) -> ServerSettings:
        """All decided, ready for a session. Asks for the public address if that is chosen.

        Raises UnusableLocks, PasswordUnreadable (S-3), NoConnection, NotAuthenticated.
        """
        refuse_unusable_locks(MailServer, self.alias)
        credentials = self._credentials()
        return replace(self.settings_without_secrets(), **credentials)

    def settings_without_secrets(self) -> ServerSettings:
        """What is decided beside the log-in: enough to explain what became of a mail, not to send one."""
        return ServerSettings(
            alias=self.alias,
            host=self.effective_host,
            port=self.effective_port,
            security=self.effective_security,
            auth_method=self.auth_method,
            username=self.username,
            from_name=self.from_name,
            from_email=self.from_email,
            force_from=self.force_from,
            ehlo_name=self.name_in_ehlo(),
            timeout=self.timeout,
            ca_bundle=self.ca_bundle,
            pinned_certificate=clean_fingerprint(self.pinned_certificate),
        )

    def _credentials(self) -> dict[str, Any]:
        if self.oauth_connection or self.auth_method == AuthMethod.XOAUTH2:
            account = account_to_use(self, settings_page())
            token = AccessToken(account, settings_page())
            user = user_name(self, account)
            return {"auth_method": AuthMethod.XOAUTH2, "username": user, "account_id": account.pk, "token": token}
        password = "" if self.auth_method == AuthMethod.NONE else self.password
        if isinstance(password, Undecryptable):
            raise PasswordUnreadable(where=settings_page())
        return {"auth_method": self.auth_method, "username": self.username, "password": password}

    def name_in_ehlo(self) -> str:
        # Read along by for_alias(), to save a query per connection; None if there is no row.
        stored = self.stored_external_url or "" if hasattr(self, "stored_external_url") else None
        return ehlo.name(self.ehlo_source, self.ehlo_name, WebServer.objects.external_url(stored))


_by_alias: Final = PreparedQuery(
    MailServer, "alias", OAUTH, stored_external_url=models.Subquery(WebServer.objects.values("external_url")[:1])
)


def settings_page() -> str:
    """Where a person configures the server."""
    try:
        return reverse("admin:mailconfig_mailserver_changelist")
    except NoReverseMatch:
        return "manage.py mailserver set"
