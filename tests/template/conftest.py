"""template.yaml as it is written, and as it is deployed."""

from typing import Any

import pytest

from support.aws_tables import load_template
from template.deployment import Deployment
from template.expand import expand

type Json = dict[str, Any]


@pytest.fixture(scope="session")
def template() -> Json:
    """Read template.yaml; `!Ref X` is `{"Ref": "X"}`."""
    return load_template()


@pytest.fixture(scope="session")
def expanded() -> Json:
    """Expand template.yaml, deployed gradually."""
    return expand()


@pytest.fixture(scope="session")
def next_release() -> Deployment:
    """Expand template.yaml as another release, deployed at once as the embedded AWS does."""
    return Deployment(expand(Release="1796083816", DeploymentPreference="AllAtOnce")["Resources"])


@pytest.fixture(scope="session")
def deployment(expanded: Json) -> Deployment:
    return Deployment(expanded["Resources"])
