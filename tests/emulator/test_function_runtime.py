"""Probes function_runtime: what a function finds around itself."""

from embedded_aws import EmbeddedAws, function

CORRECTION = "function_runtime"


def test_packages_of_the_emulator_are_not_importable(aws: EmbeddedAws, stack_name: str) -> None:
    code = "import importlib.util\ndef handler(event, context): return importlib.util.find_spec('ministack') is None"
    assert aws.invoke(aws.deploy(stack_name, {"Looks": function(code)})["Looks"]) is True


def test_other_runtime_than_the_emulators_is_refused(aws: EmbeddedAws, stack_name: str) -> None:
    older = function("def handler(event, context): return 1")
    older["Properties"]["Runtime"] = "python3.12"
    assert "python3.13 functions only" in str(aws.invoke(aws.deploy(stack_name, {"Older": older})["Older"]))


def test_numeric_variable_is_text(aws: EmbeddedAws, stack_name: str) -> None:
    code = "import os\ndef handler(event, context): return [os.environ['NUMBER'], os.environ['FLAG']]"
    assert aws.invoke(aws.deploy(stack_name, {"Reads": function(code, NUMBER=7, FLAG=True)})["Reads"]) == ["7", "true"]
