"""What `make invoke-<function>` says when something is missing, and how a container reaches the embedded AWS."""

import importlib
import os
import socket
import subprocess
import threading
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCAL = ROOT / "ops" / "local"
SAM_PYTHON = ROOT / ".venv-sam" / "bin" / "python"


def test_without_a_stack_the_next_command_is_named(tmp_path: Path) -> None:
    command = [str(SAM_PYTHON), str(LOCAL / "sam_local.py"), "invoke", "queue_runner", "--home", str(tmp_path / "none")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 -- our own program
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("ERROR: no stack runs from ")
    assert ended.stderr.endswith("`make up` first\n")


def test_without_an_engine_it_says_what_to_install_and_what_runs_without(tmp_path: Path) -> None:
    code = (
        "from local_stack import containers, console\n"
        "try: containers.find_host()\nexcept console.StackError as error: print(error)"
    )
    said = _in_sams_environment(code, DOCKER_HOST=f"unix://{tmp_path / 'none.sock'}", PATH=str(tmp_path))
    for word in ("Docker, Finch or Podman", "podman machine start", "DOCKER_HOST", "`make up` runs the same functions"):
        assert word in said


@pytest.mark.parametrize(
    ("subnets", "address"),
    [
        ([{"Subnet": "10.88.0.0/16", "Gateway": "10.88.0.1"}], "10.88.0.1"),
        ([{"Subnet": "fd00::/64", "Gateway": "fd00::1"}, {"Subnet": "172.17.0.0/16"}], "172.17.0.1"),
    ],
)
def test_machine_is_reached_at_the_gateway_of_the_bridge(subnets: list[dict[str, str]], address: str) -> None:
    code = f"from local_stack import containers; print(containers.gateway_of({{'IPAM': {{'Config': {subnets!r}}}}}))"
    assert _in_sams_environment(code, PATH=os.environ["PATH"]) == address


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="elsewhere engines forward to 127.0.0.1 by themselves")
def test_relay_passes_bytes_both_ways_while_it_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(LOCAL))
    relay = importlib.import_module("local_stack.relay")
    with socket.create_server(("127.0.0.1", 0)) as server:
        answering = threading.Thread(target=_answer_once, args=(server,), daemon=True)
        answering.start()
        # 127.0.0.2 plays the bridge: an address of this machine that is not where the server listens.
        with relay.relaying("127.0.0.2", server.getsockname()[1]) as port:
            with socket.create_connection(("127.0.0.2", port), timeout=10) as client:
                client.sendall(b"x" * 200_000 + b".")
                assert client.recv(100) == b"200001"
            answering.join(10)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", port), timeout=10)


def _answer_once(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        received = 0
        while not (data := connection.recv(65_536)).endswith(b"."):
            received += len(data)
        connection.sendall(str(received + len(data)).encode())


def test_sam_reads_the_settings_of_the_project_though_the_template_lies_elsewhere() -> None:
    code = (
        "import sam_local; from pathlib import Path; from local_stack.function_settings import LocalFunctions\n"
        "files = LocalFunctions(Path('built.json'), Path('env.json'), frozenset())\n"
        "print(*sam_local._command(files, 'start-api'))"
    )
    words = _in_sams_environment(code, PATH=os.environ["PATH"]).split()
    options = dict(pairwise(words))
    settings = tomllib.loads(Path(options["--config-file"]).read_text())[options["--config-env"]]
    assert settings["local_start_api"]["parameters"]["warm_containers"] == "LAZY"


def test_sam_finds_the_authorizer_of_the_routes(tmp_path: Path) -> None:
    code = (
        "import json, sys\n"
        "from samcli.lib.providers.api_provider import ApiProvider\n"
        "from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider\n"
        "from samcli.yamlhelper import yaml_parse\n"
        "from local_stack import function_settings, settings\n"
        "template = yaml_parse((settings.ROOT / 'template.yaml').read_text())\n"
        "function_settings._point_authorizers_at_functions(template)\n"
        "del template['Resources']['ObservabilityStack']\n"
        f"json.dump(template, open({str(tmp_path / 'local.json')!r}, 'w'), default=str)\n"
        f"stacks, _ = SamLocalStackProvider.get_stacks({str(tmp_path / 'local.json')!r})\n"
        "found = {route.path: route.authorizer_object for route in ApiProvider(stacks).routes}\n"
        "print(found['/{proxy+}'].lambda_name, found['/v1/health'])"
    )
    assert _in_sams_environment(code, PATH=os.environ["PATH"]) == "RequestAuthorizerFunction None"


def _in_sams_environment(code: str, **variables: str) -> str:
    """Return what code prints where the SAM CLI and its client of engines are installed."""
    environment = {"PYTHONPATH": str(LOCAL), "HOME": os.devnull, **variables}
    command = [str(SAM_PYTHON), "-c", code]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603 -- our own program
    return ended.stdout.strip()
