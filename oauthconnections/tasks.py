"""What is to be done regularly, for whatever runs the tasks of the project."""

from .background import task
from .renewal import IDLE_DAYS, renew_idle


@task()
def renew_idle_accounts(idle_days: float = IDLE_DAYS) -> dict[str, int]:
    """Renew the accounts that nobody has used for so long. Those that only a person can help are left alone."""
    renewals = renew_idle(idle_days)
    failed = sum(bool(renewal.error) for renewal in renewals)
    return {"renewed": len(renewals) - failed, "failed": failed}
