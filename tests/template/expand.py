"""Expands template.yaml into what CloudFormation deploys, without AWS.

    python tests/template/expand.py | cfn-lint

cfn-lint looks into few of the serverless resources themselves, so the checks that matter are made on what becomes of
them. Code is replaced by a placeholder as `sam package` would put it into a bucket; the state machine's definition is
written into the template, where cfn-lint checks it too.

Runs in this environment if aws-sam-translator is installed here, else in that of the embedded AWS, which needs it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

type Json = dict[str, Any]

ROOT: Final = Path(__file__).parents[2]
TEMPLATE: Final = ROOT / "template.yaml"

PARAMETERS: Final[Mapping[str, str]] = MappingProxyType(
    {"Release": "1796083815", "DeploymentPreference": "Canary10Percent5Minutes"}
)
"""What SAM needs to know: a release, deployed as in production, where more is deployed than elsewhere."""

_OTHER_PYTHON: Final = ROOT / ".venv-emulator" / "bin" / "python"
_PACKAGED: Final = "s3://bucket/key"
_PACKAGED_TEMPLATE: Final = "https://s3.amazonaws.com/bucket/key"


def expand(**parameters: str) -> Json:
    """Return the expanded template, from whichever environment can make it; `parameters` in place of PARAMETERS.

    Raises:
        RuntimeError: none can; says what to do.
    """
    parameters = {**PARAMETERS, **parameters}
    if find_spec("samtranslator"):
        return _expand_here(parameters)
    if not _OTHER_PYTHON.exists():
        raise RuntimeError("aws-sam-translator is neither here nor in .venv-emulator; `make install` brings it")
    command = [str(_OTHER_PYTHON), __file__, json.dumps(parameters)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 -- this very file
    if result.returncode:
        raise RuntimeError(f"the template can't be expanded:\n{result.stderr}")
    expanded: Json = json.loads(result.stdout)
    return expanded


def _expand_here(parameters: Mapping[str, str]) -> Json:
    # The translator asks boto3 for the region to find the partition; its value appears nowhere.
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    translator = import_module("samtranslator.translator.translator")
    parser = import_module("samtranslator.parser.parser")
    template = _read(TEMPLATE)
    definitions = {name: _package(resource.get("Properties", {})) for name, resource in template["Resources"].items()}
    # Without the map of managed policies, which the translator would ask IAM for: none is referred to by name.
    expanded: Json = translator.Translator({}, parser.Parser()).translate(template, dict(parameters))
    for name, definition in definitions.items():
        if definition is not None:
            properties = expanded["Resources"][name]["Properties"]
            del properties["DefinitionS3Location"]
            properties["Definition"] = definition
    return expanded


def _package(properties: Json) -> Json | None:
    """Do to a resource what `sam package` does; return the state machine's definition that the bucket would hold."""
    if "TemplateURL" in properties:
        properties["TemplateURL"] = _PACKAGED_TEMPLATE
    local = [name for name in ("CodeUri", "ContentUri", "DefinitionUri") if name in properties]
    definition = _read(ROOT / properties["DefinitionUri"]) if "DefinitionUri" in local else None
    properties |= dict.fromkeys(local, _PACKAGED)
    return definition


def _read(path: Path) -> Json:
    parsed = import_module("samtranslator.yaml_helper").yaml_parse(path.read_text())
    # What an alias repeats is one object; the translator changes objects in place, so each becomes its own.
    unaliased: Json = json.loads(json.dumps(parsed))
    return unaliased


if __name__ == "__main__":
    json.dump(expand(**json.loads(sys.argv[1] if sys.argv[1:] else "{}")), sys.stdout, indent=1)
