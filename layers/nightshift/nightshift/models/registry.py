"""Which adapter serves which provider. A new provider is one module with a `connect` and one line here.

Imports no SDK: an adapter, and with it its SDK, is loaded when its provider is first asked for. The HTTP API can
therefore check handles without paying for SDKs at its cold start.
"""

import threading
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from types import MappingProxyType
from typing import Final

from nightshift.domain.errors import NotFoundError
from nightshift.models.port import DEFAULT_RETRY_POLICY, Model, ProviderSettings, RetryPolicy

type Connect = Callable[[ProviderSettings, RetryPolicy], Model]

ADAPTERS: Final = MappingProxyType(
    {
        "bedrock": "nightshift.models.bedrock",
        "openai": "nightshift.models.openai_chat",
    },
)
"""Provider name to the module that holds its adapter."""

MAX_CONNECTED_ADAPTERS = 64
"""Adapters kept with their connections; the one unused for longest goes first, as after a key was changed."""

_ONE_AT_A_TIME: Final = threading.Lock()


def require_provider(provider: str) -> None:
    """Raise NotFoundError, naming the known providers, unless this is one of them."""
    if provider not in ADAPTERS:
        raise NotFoundError(f"unknown model provider {provider!r}; the known ones are {', '.join(sorted(ADAPTERS))}")


def model_for(provider: str, settings: ProviderSettings, policy: RetryPolicy = DEFAULT_RETRY_POLICY) -> Model:
    """Return the adapter for this provider and these settings: the same one for equal arguments, in every thread.

    Raises:
        NotFoundError: no such provider.
    """
    require_provider(provider)
    # Without the lock, ten threads that start together would make ten clients, each with connections of its own.
    with _ONE_AT_A_TIME:
        return _connected(provider, settings, policy)


@lru_cache(maxsize=MAX_CONNECTED_ADAPTERS)
def _connected(provider: str, settings: ProviderSettings, policy: RetryPolicy) -> Model:
    connect: Connect = import_module(ADAPTERS[provider]).connect
    return connect(settings, policy)
