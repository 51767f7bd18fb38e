"""What is to be done regularly, for whatever runs the tasks of the project. Imported only where there is one."""

from dataclasses import asdict

from oauthconnections.background import task

from . import expiries
from .delivery import send_due


@task()
def send_digests() -> dict[str, int]:
    """Tell what may be told now; every minute."""
    return asdict(send_due())


@task()
def check_expiries() -> int:
    """Look for what ends soon; once a day."""
    return expiries.check_expiries()
