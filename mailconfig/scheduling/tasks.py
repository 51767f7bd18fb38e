"""A run of a job as a task, on whatever engine the project has. Imported only where there is one."""

from oauthconnections.background import task

from .running import run


@task()
def run_job(name: str, token: str) -> None:
    """Run the job that was claimed with this token; how it ended is noted in its row."""
    run(name, token)
