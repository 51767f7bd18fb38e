"""The daily check of the mail servers: all steps up to the log-in. Its failure is told by the status line too."""

from django.utils.translation import gettext as _

from mailconfig.diagnosis import check
from mailconfig.exceptions import MailconfigError, NotConfigured
from mailconfig.mailers import DEFAULT_ALIAS, our_aliases
from mailconfig.models import MailServer
from mailconfig.outcomes import note_check

from .jobs import JobFailed


def check_mail_servers() -> str:
    """The mailers whose server can be used. Raises JobFailed with those that can't; what is not entered is left out."""
    problems = {
        alias: problem for alias in our_aliases() or [DEFAULT_ALIAS] if (problem := _problem(alias)) is not None
    }
    if failed := [f"{alias}: {problem}" for alias, problem in problems.items() if problem]:
        raise JobFailed("\n".join(failed))
    if not problems:
        return _("No mail server is entered.")
    return _("Connected and logged in, sent nothing: %(mailers)s.") % {"mailers": ", ".join(problems)}


def _problem(alias: str) -> str | None:
    """None if no server is entered."""
    try:
        server = MailServer.objects.for_alias(alias)
        settings = server.connection_settings()
    except NotConfigured:
        return None
    except MailconfigError as error:
        return str(error)
    outcome = check(settings)
    note_check(server, outcome.steps[-1].name, outcome.error)
    return f"{outcome.advice.meaning} ({outcome.error})" if outcome.advice else ""
