"""Every variable that template.yaml gives a function is read by its code, and every variable that is read is given."""

from typing import Any

import pytest

from template.deployment import Deployment
from template.function_code import FUNCTIONS, code_of_function
from template.settings_read import variables_read

SET_BY_LAMBDA = {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE"}

READ_BY_POWERTOOLS = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_LOG_LEVEL"}
"""Set for all functions; the logger of nightshift.telemetry reads them."""

STANDARD_LIBRARY_ONLY = {"ToolSandboxFunction"}
"""Runs users' code, hence has no layer, no variable and nothing else that could be taken from it."""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_environment_is_what_the_code_reads(function: str, template: dict[str, Any], deployment: Deployment) -> None:
    given = deployment.variables_of(function).keys()
    code = code_of_function(template, function)
    read = variables_read(code)
    assert sorted(read.required - given - SET_BY_LAMBDA) == [], "read and not given"
    assert sorted(given - read.all - READ_BY_POWERTOOLS) == [], "given and not read"
    if function in STANDARD_LIBRARY_ONLY:
        assert given == set()
        assert "Layers" not in deployment.functions[function]
        assert not any(name.startswith("nightshift") for name in code)
    else:
        assert given >= READ_BY_POWERTOOLS
        assert "nightshift.telemetry" in code, "nothing of the function logs"
