"""One function, or the whole API, in containers of the SAM CLI, speaking to the embedded AWS of `make up`.

Run by ``make invoke-<function>`` and ``make start-api`` with the SAM CLI's own Python. The settings are in the section
``local`` of samconfig.toml; what depends on the running stack is handed over here.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local_stack import builds, containers, emulator_process, function_settings
from local_stack.console import StackError
from local_stack.relay import relaying
from local_stack.settings import ROOT, Settings

EVENTS = ROOT / "events"
TOKEN_OF_EVENT_FILES = "token-of-default"  # noqa: S105 -- of the event files
"""What stands in the event files for a token of the tenant `default`."""


def main() -> int:
    """Run the SAM CLI; return its exit code, or 1 when the function failed."""
    arguments = _parse_arguments()
    settings = Settings.create(arguments.home, arguments.port, [])
    try:
        description = _running_stack(settings)
        with _reachable_from_containers(settings) as endpoint_url:
            builds.build(settings)
            local = function_settings.write(settings, endpoint_url)
            if arguments.command == "start-api":
                return _start_api(settings, local, arguments.api_port)
            event = _read_event(arguments.function, arguments.event, description["api_key"])
            return _invoke(settings, local, arguments.function, event)
    except StackError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _running_stack(settings: Settings) -> dict[str, Any]:
    if emulator_process.find(settings) is None:
        raise StackError(f"no stack runs from {settings.shown(settings.home)}: `make up` first")
    description: dict[str, Any] = json.loads(settings.description_file.read_text())
    return description


@contextmanager
def _reachable_from_containers(settings: Settings) -> Iterator[str]:
    """Give the address at which a container reaches the embedded AWS, which listens on 127.0.0.1 alone."""
    host = containers.find_host()
    if host.is_forwarded:
        yield f"http://{host.address}:{settings.port}"
        return
    with relaying(host.address, settings.port) as port:
        yield f"http://{host.address}:{port}"


def _invoke(settings: Settings, local: function_settings.LocalFunctions, function: str, event: str) -> int:
    logical_id = function_settings.logical_id_of(function)
    tenant = ["--tenant-id", "default"] if logical_id in local.tenant_isolated else []
    command = _command(local, "invoke", logical_id, "--event", "-", *tenant)
    ended = subprocess.run(
        command, cwd=ROOT, env=_environment(settings), input=event, stdout=subprocess.PIPE, text=True, check=False
    )
    print(ended.stdout, flush=True)
    # The SAM CLI exits with 0 whatever the function answers.
    return ended.returncode or int(_is_failure(ended.stdout))


def _start_api(settings: Settings, local: function_settings.LocalFunctions, port: int) -> int:
    print(f"Nightshift answers at http://127.0.0.1:{port}; Ctrl-C ends it", flush=True)
    command = _command(local, "start-api", "--port", str(port))
    return subprocess.run(command, cwd=ROOT, env=_environment(settings), check=False).returncode


def _command(local: function_settings.LocalFunctions, *arguments: str) -> list[str]:
    what, *rest = arguments
    # The SAM CLI would look for its settings beside the template.
    settings = ["--config-file", str(ROOT / "samconfig.toml"), "--config-env", "local"]
    files = ["--template", str(local.template), "--env-vars", str(local.variables)]
    return [str(builds.SAM), "local", what, *rest, *settings, *files]


def _environment(settings: Settings) -> dict[str, str]:
    return settings.aws_environment() | containers.environment() | {"SAM_CLI_TELEMETRY": "0"}


def _read_event(function: str, event_file: Path | None, api_key: str) -> str:
    file = event_file or EVENTS / function / "recorded.json"
    try:
        return file.read_text().replace(TOKEN_OF_EVENT_FILES, api_key)
    except FileNotFoundError as error:
        known = ", ".join(sorted(path.name for path in (EVENTS / function).glob("*.json")))
        raise StackError(f"there is no {file}; events of {function}: {known or 'none'}") from error


def _is_failure(output: str) -> bool:
    """Tell whether the function answered with an error, or not at all."""
    try:
        answer = json.loads(output.strip().splitlines()[-1])
    except (IndexError, ValueError):
        return True
    return isinstance(answer, dict) and "errorType" in answer


def _parse_arguments() -> argparse.Namespace:
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--port", type=int, default=int(os.environ.get("PORT") or 4566), help="port of the stack")
    options.add_argument("--home", type=Path, default=ROOT / ".local", help="home of the stack (default: .local)")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    invoke = commands.add_parser("invoke", parents=[options], help="invoke one function with an event file")
    invoke.add_argument("function", choices=function_settings.function_names())
    invoke.add_argument("--event", type=Path, help="event file (default: events/<function>/recorded.json)")
    start_api = commands.add_parser("start-api", parents=[options], help="answer the API's routes from containers")
    start_api.add_argument("--api-port", type=int, default=3000, help="port on 127.0.0.1 (default: 3000)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
