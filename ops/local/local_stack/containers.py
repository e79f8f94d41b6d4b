"""The container engine that the SAM CLI uses, and the address at which its containers reach this machine."""

import ipaddress
import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from samcli.local.docker.container_client_factory import ContainerClientFactory
from samcli.local.docker.exceptions import ContainerNotReachableException

from local_stack.console import StackError

NAME_OF_THIS_MACHINE = "host.docker.internal"
"""Known in the containers of engines that live in a virtual machine; it leads to this machine's 127.0.0.1."""

PODMAN_SOCKETS = (
    ("podman", "info", "--format", "{{.Host.RemoteSocket.Path}}"),
    ("podman", "machine", "inspect", "--format", "{{.ConnectionInfo.PodmanSocket.Path}}"),
)
"""What tells where Podman listens: on Linux, and in a virtual machine."""

NO_ENGINE = (
    "`sam local` runs functions in containers, and no container engine answers. Start the one that is installed, or "
    "install Docker, Finch or Podman; Podman listens after `podman machine start`, on Linux after "
    "`systemctl start podman.socket`; DOCKER_HOST names one elsewhere. Without any, `make up` runs the same functions"
)
ROOTLESS = (
    "the containers of a rootless engine can't reach 127.0.0.1 of this machine: name one of its addresses that they "
    "reach, HOST_ADDRESS=…; the embedded AWS is open at it for the length of this command"
)


@dataclass(frozen=True, slots=True)
class Host:
    """This machine, as a container sees it.

    Attributes:
        is_forwarded: whether the address leads to 127.0.0.1 by itself.
    """

    address: str
    is_forwarded: bool


def find_host() -> Host:
    """Find out how a container reaches this machine.

    Raises:
        StackError: no engine answers, or it is one whose containers don't.
    """
    engine = _engine()
    if address := os.environ.get("HOST_ADDRESS"):
        return Host(address, is_forwarded=False)
    information = engine.info()
    if platform.system() != "Linux" or information.get("OperatingSystem") == "Docker Desktop":
        return Host(NAME_OF_THIS_MACHINE, is_forwarded=True)
    if any("rootless" in option for option in information.get("SecurityOptions") or []):
        raise StackError(ROOTLESS)
    return Host(gateway_of(engine.networks.get("bridge").attrs), is_forwarded=False)


def gateway_of(network: dict[str, Any]) -> str:
    """Return this machine's IPv4 address in a network, as the engine describes it; without one, the first there is."""
    subnets = [each for each in network["IPAM"]["Config"] if ":" not in each["Subnet"]]
    first_address = str(next(ipaddress.ip_network(subnets[0]["Subnet"]).hosts()))
    return str(subnets[0].get("Gateway") or first_address)


def environment() -> dict[str, str]:
    """Return what the SAM CLI needs to find the engine: nothing for those that it looks for by itself."""
    if "DOCKER_HOST" in os.environ or _engine_of_sam() is not None:
        return {}
    socket = _podman_socket()
    return {"DOCKER_HOST": f"unix://{socket}"} if socket else {}


def _engine() -> Any:
    engine = _engine_of_sam()
    if engine is None and (socket := _podman_socket()):
        engine = docker.DockerClient(base_url=f"unix://{socket}")
    if engine is None:
        raise StackError(NO_ENGINE)
    return engine


def _engine_of_sam() -> Any:
    """Docker, Finch or what DOCKER_HOST names, if it answers."""
    try:
        return ContainerClientFactory.create_client()
    except ContainerNotReachableException:
        return None


def _podman_socket() -> Path | None:
    for command in PODMAN_SOCKETS:
        try:
            said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        except FileNotFoundError:
            return None
        path = Path(said.strip().removeprefix("unix://"))
        if path.is_socket():
            return path
    return None
