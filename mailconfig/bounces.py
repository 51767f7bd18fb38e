"""Whether a domain can receive what comes back: answers and bounces (MX records, RFC 5321 section 5.1, RFC 7505)."""

from django.utils.translation import gettext_lazy as _

from .findings import Finding
from .host_names import ip_address
from .resolver import NameServers


def check_bounces(domain: str, resolver: NameServers) -> list[Finding]:
    """Raises LookUpFailed."""
    exchanges = resolver.exchanges(domain)
    if any(not exchange.host for exchange in exchanges):
        text = _(
            "%(domain)s says that it receives no mail (null MX), so bounces are lost and many receivers refuse its "
            "mail. Use a sender in a domain that receives mail."
        )
        return [Finding("problem", text, {"domain": domain})]
    if not exchanges:
        return [_without_exchanger(domain, resolver)]
    bad = [finding for exchange in exchanges for finding in _bad(exchange.host, resolver)]
    if bad:
        return bad
    text = _("%(domain)s receives mail: %(hosts)s.")
    return [Finding("ok", text, {"domain": domain, "hosts": ", ".join(exchange.host for exchange in exchanges)})]


def _without_exchanger(domain: str, resolver: NameServers) -> Finding:
    if resolver.addresses(domain):
        text = _("%(domain)s has no MX record. Mail goes to the address of its website, which may not receive any.")
        return Finding("warning", text, {"domain": domain})
    text = _("%(domain)s can't receive mail, so bounces are lost and many receivers refuse its mail. Add an MX record.")
    return Finding("problem", text, {"domain": domain})


def _bad(host: str, resolver: NameServers) -> list[Finding]:
    if ip_address(host):
        text = _("The MX record names the address %(host)s. It must name a server.")
        return [Finding("problem", text, {"host": host})]
    if resolver.alias(host):
        text = _("The mail server %(host)s in the MX record is only another name (CNAME), which some senders refuse.")
        return [Finding("warning", text, {"host": host})]
    if not resolver.addresses(host):
        text = _("The mail server %(host)s in the MX record is not found in DNS.")
        return [Finding("problem", text, {"host": host})]
    return []
