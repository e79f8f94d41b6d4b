"""One recording serves all tests of what is logged and measured."""

import pytest

from observability.recording import Recording, record


@pytest.fixture(scope="session")
def recording() -> Recording:
    return record()
