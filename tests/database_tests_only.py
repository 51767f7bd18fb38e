"""A pytest plugin for a run on another database: it leaves out the tests that touch none."""

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [item for item in items if not _touches_database(item)]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


def _touches_database(item: pytest.Item) -> bool:
    asked_for = {"db", "transactional_db", "live_server"}.intersection(getattr(item, "fixturenames", ()))
    return bool(asked_for or item.get_closest_marker("django_db"))
