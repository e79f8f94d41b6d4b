"""Model handles, `provider/model`: how an agent names its model. Cheap to import; loads no SDK."""

from dataclasses import dataclass

from nightshift.domain.errors import InvalidRequestError, NotFoundError
from nightshift.models.registry import find_provider


@dataclass(frozen=True, slots=True)
class ModelHandle:
    """A provider that exists and its own id of a model, which only the provider can check."""

    provider: str
    model: str

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}"


def parse_handle(handle: str | None) -> ModelHandle:
    """Split at the first slash: the model's id may hold further slashes and colons.

    Raises:
        InvalidRequestError: missing, or not of the form `provider/model`.
        NotFoundError: no such provider.
    """
    if not handle:
        raise InvalidRequestError("a model is required, as provider/model, for example openai/gpt-4o-mini")
    provider, _, model = handle.partition("/")
    if not provider or not model:
        raise InvalidRequestError(f"a model is named as provider/model, found {handle!r}")
    find_provider(provider)
    return ModelHandle(provider, model)


def provider_type(handle: str) -> str:
    """Return the type of provider that clients are told; of a provider that is gone, the name that it had."""
    provider, _, _ = handle.partition("/")
    try:
        return find_provider(provider).provider_type
    except NotFoundError:
        return provider
