"""Whether mail can be proven to come from its sender's domain: what DMARC asks (RFC 9989 section 4.4)."""

from django.utils.translation import gettext_lazy as _

from .dkim import DkimCheck
from .dmarc import DmarcCheck
from .findings import Finding, Level
from .sending_host import SendingHost
from .spf_check import SpfCheck


def check_alignment(domain: str, server: SendingHost, spf: SpfCheck, dkim: DkimCheck, dmarc: DmarcCheck) -> Finding:
    """One of both proofs is enough. Mail of this site has the sender's domain in From and as return address, and what
    was looked up is exactly that domain's, so it is aligned also where the policy is strict."""
    values = {"domain": domain, "host": server.provider.name if server.provider else server.host}
    by_spf = bool(spf.covers) and not server.own_envelope
    if by_spf and dkim.signs:
        return Finding("ok", _("Mail from %(domain)s can be proven in both ways, by SPF and by DKIM."), values)
    if dkim.signs:
        text = _("Mail from %(domain)s can be proven by its signature (DKIM), if %(host)s signs with this key.")
        return Finding("ok", text, values)
    if by_spf:
        text = _("Mail from %(domain)s can be proven by SPF, but not after it was forwarded. Add signatures (DKIM).")
        return Finding("ok", text, values)
    return _unproven(server, spf, dkim, dmarc, values)


def _unproven(
    server: SendingHost, spf: SpfCheck, dkim: DkimCheck, dmarc: DmarcCheck, values: dict[str, str]
) -> Finding:
    level: Level = "problem" if dmarc.policy and dmarc.policy.policy != "none" else "warning"
    if dkim.signs is None or (spf.covers is None and not server.own_envelope):
        text = _("Whether mail from %(domain)s through %(host)s can be proven is not known: see SPF and DKIM.")
        return Finding("warning", text, values)
    if server.own_envelope:
        text = _(
            "%(host)s uses a return address of its own, so only a signature (DKIM) of %(domain)s can prove where mail "
            "comes from. Set that up there."
        )
        return Finding(level, text, values)
    text = _("Mail from %(domain)s through %(host)s can't be proven, neither by SPF nor by DKIM. Set up one of them.")
    return Finding(level, text, values)
