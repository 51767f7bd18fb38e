"""Services that only send: data only. A domain's MX does not lead to them, its SPF record may."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from .provider import OWN_LOGIN, REGION, Provider, Way, both

SENDERS: Final = (
    # https://docs.aws.amazon.com/ses/latest/dg/smtp-connect.html; DKIM selectors are random (Easy DKIM)
    Provider(
        "Amazon SES",
        (
            Way("email-smtp.us-east-1.amazonaws.com", 587, "starttls"),
            Way("email-smtp.eu-west-1.amazonaws.com", 587, "starttls"),
        ),
        hosts=("email-smtp.*.amazonaws.com", "email-smtp-fips.*.amazonaws.com"),
        username="other",
        spf="amazonses.com",
        own_envelope=True,
        note=REGION,
    ),
    # https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/send-smtp
    Provider(
        "Mailgun",
        (*both("smtp.mailgun.org"), *both("smtp.eu.mailgun.org")),
        mx=("mx*.mailgun.org",),
        username="other",
        spf="mailgun.org",
        selectors=("smtp", "mailo", "pic", "mx", "k1", "krs"),
        note=OWN_LOGIN,
    ),
    # https://www.twilio.com/docs/sendgrid/for-developers/sending-email/integrating-with-the-smtp-api
    Provider(
        "SendGrid",
        both("smtp.sendgrid.net"),
        hosts=("smtp.eu.sendgrid.net",),
        username="other",
        spf="sendgrid.net",
        selectors=("s1", "s2"),
        own_envelope=True,
        note=_("The user name is the word “apikey”, the password an API key that may send mail."),
    ),
    # https://dev.mailjet.com/smtp-relay/configuration/
    Provider(
        "Mailjet",
        both("in-v3.mailjet.com"),
        hosts=("in.mailjet.com",),
        username="other",
        spf="spf.mailjet.com",
        selectors=("mailjet",),
        own_envelope=True,
        note=OWN_LOGIN,
    ),
    # https://postmarkapp.com/developer/user-guide/send-email-with-smtp; selectors carry a date
    Provider(
        "Postmark",
        (Way("smtp.postmarkapp.com", 587, "starttls"), Way("smtp.postmarkapp.com", 2525, "starttls")),
        hosts=("smtp-broadcasts.postmarkapp.com",),
        username="other",
        spf="spf.mtasv.net",
        selectors=("pm",),
        own_envelope=True,
        note=OWN_LOGIN,
    ),
    # https://developers.brevo.com/docs/smtp-integration
    Provider(
        "Brevo",
        both("smtp-relay.brevo.com"),
        hosts=("smtp-relay.sendinblue.com",),
        username="other",
        spf="spf.brevo.com",
        selectors=("brevo1", "brevo2", "brevo", "mail"),
        own_envelope=True,
        note=OWN_LOGIN,
    ),
    # https://mailchimp.com/developer/transactional/docs/smtp-integration/
    Provider(
        "Mailchimp Transactional",
        both("smtp.mandrillapp.com"),
        username="other",
        spf="spf.mandrillapp.com",
        selectors=("mte1", "mte2", "mandrill"),
        own_envelope=True,
        note=OWN_LOGIN,
    ),
    # https://dev.smtp2go.com/docs
    Provider(
        "SMTP2GO",
        both("mail.smtp2go.com"),
        hosts=("mail-eu.smtp2go.com", "mail-us.smtp2go.com"),
        username="other",
        spf="spf.smtp2go.com",
        own_envelope=True,
        note=OWN_LOGIN,
    ),
)
