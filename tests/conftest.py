"""What holds for every test: the same drawn examples in each run, and which tests share a process."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("watchtime", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("watchtime")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file in one process, where they share what they made, unless they name another group."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.name))
