"""The project of the tests, with the benchmarks' own model."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS as APPS_OF_TESTS

INSTALLED_APPS = [*APPS_OF_TESTS, "benchmarks"]
