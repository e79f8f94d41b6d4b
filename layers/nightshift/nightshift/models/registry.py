"""Finds providers and connects their adapters. A new provider is one file in `models/providers/`, and no line here.

Imports no SDK: an adapter, and with it its SDK, is loaded when its provider is first asked for. The HTTP API can
therefore check handles without paying for SDKs at its cold start.
"""

import os
import threading
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Final

from nightshift.domain.errors import NotFoundError
from nightshift.models import providers
from nightshift.models.port import DEFAULT_RETRY_POLICY, Model, ProviderSettings, RetryPolicy
from nightshift.models.provider import Provider

type Connect = Callable[[Provider, ProviderSettings, RetryPolicy], Model]
"""What an adapter's module offers as `connect`."""

MAX_CONNECTED_ADAPTERS = 64
"""Adapters kept with their connections; the one unused for longest goes first, as after a key was changed."""

_ONE_AT_A_TIME: Final = threading.Lock()


def provider_names() -> list[str]:
    """Return the known providers, sorted, without loading any."""
    files = (name for folder in providers.__path__ for name in os.listdir(folder))
    return sorted(name[:-3].replace("_", "-") for name in files if name.endswith(".py") and name[0] != "_")


def find_provider(name: str) -> Provider:
    """Return the provider of this name.

    Raises:
        NotFoundError: no such provider; the text names those that there are.
    """
    if name not in (known := provider_names()):
        raise NotFoundError(f"unknown model provider {name!r}; the known ones are {', '.join(known)}")
    provider: Provider = import_module(f"{providers.__name__}.{name.replace('-', '_')}").PROVIDER
    return provider


def model_for(provider: str, settings: ProviderSettings, policy: RetryPolicy = DEFAULT_RETRY_POLICY) -> Model:
    """Return the adapter for this provider and these settings: the same one for equal arguments, in every thread.

    Raises:
        NotFoundError: no such provider.
        ModelCallError: the provider's address is for the settings to say, and they don't.
    """
    found = find_provider(provider)
    # Without the lock, ten threads that start together would make ten clients, each with connections of its own.
    with _ONE_AT_A_TIME:
        return _connected(found.name, settings, policy)


@lru_cache(maxsize=MAX_CONNECTED_ADAPTERS)
def _connected(name: str, settings: ProviderSettings, policy: RetryPolicy) -> Model:
    provider = find_provider(name)
    connect: Connect = import_module(provider.adapter).connect
    return connect(provider, settings, policy)
