"""samconfig.toml belongs to everybody who deploys; the product has one version."""

import re
import tomllib
from typing import Any

from nightshift.version import VERSION
from template.expand import ROOT

PERSONAL = {"profile", "role_arn", "s3_bucket", "image_repository", "kms_key_id", "notification_arns"}
"""Options of SAM that name somebody's account or things within it."""


def parameters() -> dict[str, dict[str, Any]]:
    """Return the parameters of every section, `staging.deploy` for one."""
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    environments = {name: commands for name, commands in config.items() if isinstance(commands, dict)}
    return {
        f"{name}.{command}": section["parameters"]
        for name, commands in environments.items()
        for command, section in commands.items()
    }


def test_samconfig_has_the_four_environments() -> None:
    assert {name.partition(".")[0] for name in parameters()} == {"default", "local", "staging", "prod"}


def test_samconfig_names_no_account_and_no_machine() -> None:
    text = (ROOT / "samconfig.toml").read_text()
    assert not re.search(r"\b\d{12}\b|arn:aws|/home/|/Users/|[A-Z]:\\\\|localhost|127\.0\.0\.1", text)
    for section, options in parameters().items():
        assert options.keys() & PERSONAL == set(), section


def test_only_the_embedded_aws_has_a_region_and_allows_private_callbacks() -> None:
    for section, options in parameters().items():
        if not section.startswith("local."):
            assert "region" not in options, section
            assert "AllowPrivateCallbacks" not in str(options), section


def test_production_asks_before_it_changes_anything() -> None:
    assert parameters()["prod.deploy"]["confirm_changeset"] is True


def test_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION
