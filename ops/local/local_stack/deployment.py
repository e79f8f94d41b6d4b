"""``sam deploy`` of the unchanged template, skipped while the stack is what the build and the parameters say."""

import json
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local_stack import samconfig
from local_stack.builds import run_sam
from local_stack.console import StackError, say, step
from local_stack.settings import Settings

ENVIRONMENT = "local"
"""Section of samconfig.toml."""

BUCKET = "nightshift-artifacts"
"""Made before `sam deploy`, which otherwise deploys a stack of its own for its bucket."""

type Outputs = dict[str, str]


def deploy(settings: Settings, sources: str) -> Outputs:
    """Deploy the build with the given hash, and return the stack's outputs.

    Raises:
        StackError: The deployment failed, or left the stack where it can't be updated.
    """
    parameters = samconfig.parameters(ENVIRONMENT, settings.parameters)
    name = stack_name()
    stack = _describe(settings, name)
    _refuse_stuck(stack)
    wanted = {"sources": sources, "parameters": parameters, "stack_id": stack["StackId"] if stack else None}
    if stack and _recorded(settings) == wanted:
        say("deploy      nothing changed")
        return _outputs(stack)
    with step("deploy", f"sam deploy to stack {name}"):
        settings.client("s3").create_bucket(Bucket=BUCKET)
        _record_file(settings).unlink(missing_ok=True)
        release = samconfig.as_new_release(parameters)
        run_sam(settings, "deploy", "--s3-bucket", BUCKET, "--no-progressbar", *release, log_name="deploy.log")
    stack = _describe(settings, name)
    if stack is None:
        raise StackError(f"`sam deploy` left no stack {name}: see {settings.shown(settings.home / 'deploy.log')}")
    _record_file(settings).write_text(json.dumps(wanted | {"stack_id": stack["StackId"]}))
    return _outputs(stack)


def stack_name() -> str:
    """Return the name of the stack on the embedded AWS."""
    return samconfig.stack_name(ENVIRONMENT)


def _describe(settings: Settings, stack_name: str) -> dict[str, Any] | None:
    try:
        stacks = settings.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return dict(stacks[0]) if stacks else None


def _refuse_stuck(stack: dict[str, Any] | None) -> None:
    status = stack["StackStatus"] if stack else ""
    if status.endswith("_FAILED") or status in {"ROLLBACK_COMPLETE", "DELETE_IN_PROGRESS"}:
        raise StackError(f"the stack is {status} and can't be updated: `make reset`, then `make up`")


def _outputs(stack: dict[str, Any]) -> Outputs:
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def _record_file(settings: Settings) -> Path:
    return settings.home / "deployed.json"


def _recorded(settings: Settings) -> dict[str, Any] | None:
    try:
        recorded: dict[str, Any] = json.loads(_record_file(settings).read_text())
    except (FileNotFoundError, ValueError):
        return None
    return recorded
