"""Encryption: one side speaks it and the other doesn't, the certificate, what is too old."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from .entry import Entry

PIN: Final = _(
    "Better let it be replaced by a valid one. If you know that the certificate is the server's own, pin it: "
    "SHA-256 %(fingerprint)s, issued by %(issuer)s."
)

ENTRIES: Final = (
    Entry(
        "certificate-not-pinned",
        _("“%(host)s” shows another certificate than the one that is pinned."),
        _(
            "Ask whoever runs the server whether it got a new certificate. If so, compare the fingerprint and pin the "
            "new one, else somebody may be listening: SHA-256 %(fingerprint)s, issued by %(issuer)s."
        ),
        steps=("secure",),
        errors=("OtherCertificate",),
        remedy="trust_certificate",
    ),
    Entry(
        "certificate-expired",
        _("The certificate of “%(host)s” has expired (%(ends)s)."),
        PIN,
        steps=("secure",),
        text="certificate has expired",
        remedy="trust_certificate",
    ),
    Entry(
        "certificate-not-yet-valid",
        _("The certificate of “%(host)s” is valid only from %(begins)s on."),
        _("Check the clock of this machine first: it is the usual reason."),
        steps=("secure",),
        text="certificate is not yet valid",
    ),
    Entry(
        "certificate-of-other-name",
        _("“%(host)s” shows the certificate of another name. It is valid for: %(names)s."),
        _(
            "If one of these is the name of your server, enter it as server. Else pin the certificate if you know that "
            "it is the server's own: SHA-256 %(fingerprint)s, issued by %(issuer)s."
        ),
        steps=("secure",),
        text="hostname mismatch",
        remedy="trust_certificate",
    ),
    Entry(
        "certificate-of-other-address",
        _("The server was entered by its address %(host)s, and its certificate is for names: %(names)s."),
        _(
            "Enter the name as server. Or pin the certificate if you know that it is the server's own: "
            "SHA-256 %(fingerprint)s, issued by %(issuer)s."
        ),
        steps=("secure",),
        text="ip address mismatch",
        remedy="trust_certificate",
    ),
    Entry(
        "certificate-private-authority",
        _("The certificate of “%(host)s” was issued by an authority that this site does not know (%(issuer)s)."),
        _(
            "If that is the authority of your organization, enter its certificate under “Advanced”. Or pin the "
            "server's "
            "certificate: SHA-256 %(fingerprint)s."
        ),
        steps=("secure",),
        text="self[- ]signed certificate in certificate chain",
        remedy="trust_certificate",
    ),
    Entry(
        "certificate-self-signed",
        _("“%(host)s” has issued its certificate to itself, so nobody vouches for it."),
        _(
            "Appliances and test servers do that. Compare the fingerprint with the one that the server shows, then pin "
            "it: SHA-256 %(fingerprint)s."
        ),
        steps=("secure",),
        text="self[- ]signed certificate",
        remedy="trust_certificate",
    ),
    Entry(
        "certificate-of-unknown-authority",
        _("It can't be checked who issued the certificate of “%(host)s” (%(issuer)s): a link of its chain is missing."),
        _(
            "The server should send its intermediate certificates. Or enter the certificate of the authority under "
            "“Advanced”, or pin the server's: SHA-256 %(fingerprint)s."
        ),
        steps=("secure",),
        text="unable to get (local )?issuer|unable to verify the first",
        remedy="trust_certificate",
    ),
    Entry(
        "certificate-too-weak",
        _("The certificate of “%(host)s”, or one that vouches for it, is too weak to protect anything today."),
        _("The server needs a new certificate, with an RSA key of 2048 bits or more and SHA-256."),
        steps=("secure",),
        text="(certificate|ee|ca) key too (weak|small)|(md|digest algorithm) too weak",
    ),
    Entry(
        "certificate-revoked",
        _("The certificate of “%(host)s” was revoked by the authority that had issued it."),
        _("Do not send anything there before whoever runs the server has put in a new one."),
        steps=("secure",),
        text="certificate revoked",
    ),
    Entry(
        "client-certificate-wanted",
        _("“%(host)s” wants this site to show a certificate of its own, which it can't."),
        _("Use another port of the server, where one logs in by user name and password."),
        steps=("secure", "greet"),
        text="certificate.required|alert bad certificate",
    ),
    Entry(
        "certificate-not-trusted",
        _("The certificate of “%(host)s” is not trusted: %(error)s."),
        PIN,
        steps=("secure",),
        errors=("SSLCertVerificationError",),
        remedy="trust_certificate",
    ),
    Entry(
        "starttls-in-place-of-tls",
        _("Port %(port)s of “%(host)s” does not begin with encryption, as SSL/TLS expects it."),
        _("Choose STARTTLS, which begins in clear text and then encrypts; or port 465 for SSL/TLS."),
        steps=("secure",),
        security=("ssl",),
        text="wrong.version.number|record layer failure|packet length too long|unknown protocol|http request",
        remedy="other_way",
    ),
    Entry(
        "no-tls-after-starttls",
        _("“%(host)s” agreed to encrypt, then went on in something that is no encryption."),
        _("A firewall or virus scanner that looks into mail does that. Have it let STARTTLS through, or use SSL/TLS."),
        steps=("secure",),
        security=("starttls",),
        text="wrong.version.number|record layer failure|packet length too long|unknown protocol",
        remedy="other_way",
    ),
    Entry(
        "tls-too-old",
        _("“%(host)s” knows only versions of encryption that are broken (before TLS 1.2)."),
        _("The server has to be updated. There is no switch to allow the old versions."),
        steps=("secure",),
        text="unsupported protocol|protocol.version|version too low|wrong ssl version|no protocols available",
    ),
    Entry(
        "tls-nothing-in-common",
        _("“%(host)s” and this site know no way to encrypt in common."),
        _("The server has to be updated or set up anew; its settings of ciphers are too old or too narrow."),
        steps=("secure",),
        text=(
            "handshake.failure|no.shared.cipher|no.cipher|insufficient.security|dh.key.too.small|unsafe.legacy|"
            "signature.(type|algorithm)"
        ),
    ),
    Entry(
        "tls-name-unknown",
        _("What answers on port %(port)s does not know itself as “%(host)s”, so it did not begin to encrypt."),
        _("Check the server. Enter the name for which it has a certificate: its provider can tell."),
        steps=("secure",),
        text="unrecognized.name",
    ),
    Entry(
        "encryption-damaged",
        _("What came from “%(host)s” was damaged on the way, so the encrypted connection was ended."),
        _("A firewall or router between that looks into mail does that. Test again; if it stays so, use another port."),
        text="bad.record.mac|decryption.failed",
    ),
    Entry(
        "own-authority-unreadable",
        _("The certificate of the own authority, under “Advanced”, can't be read."),
        _("Paste it anew, all its lines from BEGIN CERTIFICATE to END CERTIFICATE."),
        steps=("secure",),
        text="cadata|no start line|not enough data|no certificate or crl|PEM lib",
    ),
    Entry(
        "authority-file-missing",
        _("The file with certificates of authorities that EMAIL_CA_BUNDLE names can't be read."),
        _("Correct EMAIL_CA_BUNDLE in the settings of this site, or give it the right to read that file."),
        steps=("secure",),
        errors=("FileNotFoundError", "PermissionError", "IsADirectoryError"),
    ),
    Entry(
        "starttls-not-offered",
        _("“%(host)s” does not offer STARTTLS on port %(port)s, so nothing was sent."),
        _(
            "Try port 587, or SSL/TLS on port 465. If it should offer it, a firewall between may have taken it out. "
            "Only for a server in your own network None is a choice."
        ),
        steps=("secure",),
        errors=("SMTPNotSupportedError",),
        remedy="other_way",
    ),
    Entry(
        "starttls-not-now",
        _("“%(host)s” offers STARTTLS, but can't encrypt at the moment."),
        _("Something is wrong with its certificate or key. Whoever runs it has to look; try again later."),
        steps=("secure",),
        codes=(421, 450, 451, 454),
        remedy="other_way",
    ),
    Entry(
        "starttls-refused",
        _("“%(host)s” refused to encrypt (STARTTLS)."),
        _("Use SSL/TLS on port 465 if it offers that, or ask whoever runs it."),
        steps=("secure",),
        errors=("SMTPResponseException",),
        remedy="other_way",
    ),
    Entry(
        "tls-no-answer",
        _("“%(host)s” did not answer the beginning of encryption on port %(port)s."),
        _("The port most likely waits for clear text first: choose STARTTLS, or port 465 for SSL/TLS."),
        steps=("secure",),
        security=("ssl",),
        text="timed out",
        remedy="other_way",
    ),
    Entry(
        "tls-closed",
        _("“%(host)s” closed the connection when this site began to encrypt."),
        _(
            "Check port and connection security: 465 is for SSL/TLS, 587 for STARTTLS. Or a firewall forbids "
            "encryption."
        ),
        steps=("secure",),
        security=("ssl",),
        text="eof|closed|reset|broken pipe",
        remedy="other_way",
    ),
    Entry(
        "starttls-no-answer",
        _("“%(host)s” agreed to encrypt and then said no more."),
        _("A firewall between may hold encrypted mail up. Try SSL/TLS on port 465, or another way into the network."),
        steps=("secure",),
        security=("starttls",),
        text="timed out",
        remedy="other_way",
    ),
    Entry(
        "starttls-closed",
        _("“%(host)s” closed the connection at STARTTLS."),
        _("Something is wrong with its certificate, or a firewall forbids encryption. Try SSL/TLS on port 465."),
        steps=("secure",),
        security=("starttls",),
        text="eof|closed|reset|broken pipe",
        remedy="other_way",
    ),
    Entry(
        "tls-broken-off",
        _("“%(host)s” and this site began to encrypt and could not agree."),
        _("Something is wrong with its set-up. Show “Details” to whoever runs it, or try another port."),
        steps=("secure",),
        errors=("SSLError",),
        remedy="other_way",
    ),
)
