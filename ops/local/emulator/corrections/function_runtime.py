"""A function runs with the interpreter that its Runtime names, and finds only what it brings.

AWS: ``python3.13`` is Python 3.13; importable are the standard library, the function's code and its layers (and the
runtime's own boto3, whose version moves by itself: the project ships boto3 in its layer instead). Values of
environment variables are strings.

Stock MiniStack: every ``python*`` runs the emulator's own interpreter with the emulator's own packages, so a
dependency missing from the layer is not noticed; a numeric environment variable stops the worker from starting.
"""

import functools
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime

from emulator.expectations import expect_parameters, expect_source

OWN_RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"


def apply() -> None:
    """Choose the interpreter by Runtime, and complete the environment before a worker starts."""
    stock_detect = lambda_runtime._detect_runtime_binary
    expect_parameters(stock_detect, "runtime")
    expect_source(lambda_runtime.Worker._spawn, "_detect_runtime_binary(runtime)", 'self.config.get("Environment"')

    interpreter = _make_bare_interpreter()

    @functools.wraps(stock_detect)
    def detect(runtime: str) -> tuple[str, str]:
        binary, script = stock_detect(runtime)
        if not runtime.startswith("python"):
            return binary, script
        if runtime != OWN_RUNTIME:
            raise RuntimeError(f"the embedded AWS runs {OWN_RUNTIME} functions only, this one asks for {runtime}")
        return interpreter, script

    lambda_runtime._detect_runtime_binary = detect
    _complete_environment()


def _make_bare_interpreter() -> str:
    """Make an environment without packages, and return its interpreter."""
    home = Path(tempfile.mkdtemp(prefix="ministack-runtime-"))
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    return str(home / "bin" / "python")


def _complete_environment() -> None:
    stock_spawn = lambda_runtime.Worker._spawn

    @functools.wraps(stock_spawn)
    def spawn(worker: Any) -> None:
        config = worker.config
        declared = (config.get("Environment") or {}).get("Variables") or {}
        variables = _lambda_variables(config) | {name: _as_text(value) for name, value in declared.items()}
        worker.config = {**config, "Environment": {"Variables": variables}}
        try:
            stock_spawn(worker)
        finally:
            worker.config = config

    lambda_runtime.Worker._spawn = spawn


def _lambda_variables(config: dict[str, Any]) -> dict[str, str]:
    """Variables that Lambda always sets and MiniStack does not."""
    return {
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{config.get('Runtime', OWN_RUNTIME)}",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{config.get('FunctionName', '')}",
        "_HANDLER": config.get("Handler", ""),
        "TZ": ":UTC",
    }


def _as_text(value: Any) -> str:
    """A value of a template as CloudFormation passes it on."""
    return str(value).lower() if isinstance(value, bool) else str(value)
