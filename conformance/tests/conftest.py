"""Settings of the suite's own tests: examples have no deadline, for machines differ; what takes long begins first."""

import pytest
from hypothesis import settings

from reimage_conformance.detection.ordering import order_tasks

settings.register_profile("own-tests", deadline=None)
settings.load_profile("own-tests")

LONG = (
    "test_killed_runs",
    "test_oddities",
    "test_faults",
    "test_hollow",
    "test_examples",
    "test_replay",
    "test_run_ends",
    "test_site",
)
"""Files that take longest, so that no worker of pytest-xdist is left alone with one of them at the end."""


def pytest_configure(config: pytest.Config) -> None:
    """Have pytest-xdist take files in our order, not those with most tests first."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first."""
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))


@pytest.fixture(autouse=True)
def _order_of_tasks(request: pytest.FixtureRequest) -> None:
    """Lets tasks go on in an order that follows from the name of the test, so that a failure can be repeated."""
    order_tasks(request.node.nodeid)
