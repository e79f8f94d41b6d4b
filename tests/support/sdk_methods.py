"""Every method of the official SDK, and the request that it makes: found by calling it, not by reading about it."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, get_overloads
from urllib.parse import unquote

import httpx
from letta_client import APIError, Letta
from letta_client._resource import SyncAPIResource

_OF_THE_RESOURCE_ITSELF: Final = frozenset({"with_raw_response", "with_streaming_response"})


@dataclass(frozen=True, slots=True)
class SdkMethod:
    """One method.

    Attributes:
        name: as a user writes it after the client: `agents.messages.create_async`.
        http_method: of the request that it makes.
        path: of that request, without a trailing slash; `<name>` stands for the argument of that name.
    """

    name: str
    http_method: str
    path: str

    @property
    def route(self) -> tuple[str, str]:
        """Return method and path with all placeholders alike, so that their names don't count."""
        return self.http_method, same_shape(self.path)


def same_shape(path: str) -> str:
    """Return a path with `<>` for every placeholder."""
    return "/".join("<>" if part.startswith("<") else part for part in path.split("/"))


@cache
def sdk_methods() -> tuple[SdkMethod, ...]:
    """Return all methods of the installed SDK, sorted by name."""
    transport = _Recorder()
    client = Letta(
        base_url="https://sdk.invalid", api_key="k", max_retries=0, http_client=httpx.Client(transport=transport)
    )
    methods = [("health", client.health), *_walk(client, "")]
    return tuple(sorted((transport.record(name, method) for name, method in methods), key=lambda found: found.name))


def _walk(owner: object, prefix: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the public methods of a resource and of the resources within it."""
    for name in dir(type(owner)):
        if name.startswith("_") or name in _OF_THE_RESOURCE_ITSELF:
            continue
        value = getattr(owner, name, None)
        if isinstance(value, SyncAPIResource):
            yield from _walk(value, f"{prefix}{name}.")
        elif isinstance(owner, SyncAPIResource) and inspect.ismethod(value):
            yield f"{prefix}{name}", value


class _Recorder(httpx.BaseTransport):
    """Keeps the last request and answers an error that the SDK doesn't look into."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(501, json={"detail": "recorded"})

    def record(self, name: str, method: Callable[..., Any]) -> SdkMethod:
        """Call a method with a stand-in for every argument that it requires."""
        self.requests.clear()
        overloads = get_overloads(method)
        parameters = inspect.signature(overloads[0] if overloads else method).parameters.values()
        required = [found for found in parameters if found.default is inspect.Parameter.empty and found.name != "self"]
        arguments = {found.name: _stand_in(found) for found in required}
        try:
            method(**arguments)
        except APIError:
            (request,) = self.requests
            return SdkMethod(name, request.method, unquote(request.url.path).rstrip("/"))
        raise AssertionError(f"{name} made no request")


def _stand_in(parameter: inspect.Parameter) -> Any:
    annotation = str(parameter.annotation)
    if annotation == "FileTypes":
        return b"content"
    return f"<{parameter.name}>"
