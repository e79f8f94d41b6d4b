"""`make credentials`: what a program needs to know of a deployed stack."""

import json
import subprocess
import sys

from support.local_stack import ROOT, LocalStack


def test_address_key_and_callback_secret_are_those_of_the_stack(local_stack: LocalStack) -> None:
    ended = _credentials(local_stack, "local")

    found = json.loads(ended.stdout)
    assert found.keys() == {"base_url", "api_key", "callback_secret"}
    assert found["base_url"] == local_stack.output("ApiUrl")
    for name in ("api_key", "callback_secret"):
        assert found[name] == local_stack.description[name]


def test_unknown_environment_and_unknown_tenant_are_said(local_stack: LocalStack) -> None:
    assert "has no section 'moon': use one of default, local, prod, staging" in _credentials(local_stack, "moon").stderr
    assert "no token of tenant 'nobody'" in _credentials(local_stack, "local", "--tenant", "nobody").stderr


def _credentials(stack: LocalStack, *arguments: str) -> subprocess.CompletedProcess[str]:
    aws = {
        "AWS_ENDPOINT_URL": stack.description["aws_endpoint_url"],
        "AWS_DEFAULT_REGION": stack.description["region"],
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    command = [sys.executable, str(ROOT / "ops" / "local" / "credentials.py"), *arguments]
    return subprocess.run(command, env={**stack.environment, **aws}, capture_output=True, text=True, check=False)  # noqa: S603 -- our own program
