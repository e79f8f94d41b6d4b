"""A state machine may be defined in YAML.

AWS: the object that ``DefinitionS3Location`` names may hold JSON or YAML; SAM uploads ``DefinitionUri`` as it is.

Stock MiniStack: keeps the text, and every execution fails with InvalidDefinition, since only JSON is parsed.
"""

import functools
import json
from typing import Any

import yaml
from ministack.services.cloudformation import provisioners

from emulator.expectations import expect_parameters, expect_source


def apply() -> None:
    """Turn a definition in YAML into JSON when the template is deployed."""
    stock = provisioners._sfn_definition
    expect_parameters(stock, "props")
    expect_source(stock, "DefinitionS3Location", "return definition")

    @functools.wraps(stock)
    def definition_in_json(props: dict[str, Any]) -> str:
        definition: str = stock(props)
        try:
            json.loads(definition)
        except json.JSONDecodeError:
            return json.dumps(yaml.safe_load(definition))
        return definition

    provisioners._sfn_definition = definition_in_json
