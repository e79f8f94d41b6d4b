"""What there is to know of a provider before it is called. Cheap to import; loads no SDK.

Every file of `models/providers/` describes one provider in its `PROVIDER` and is named like it, with `_` for `-`; to
add one is to add that file. What speaks a known protocol names the adapter of that protocol, what speaks its own names
the file itself and offers `connect` there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from nightshift.domain.errors import ModelCallError
from nightshift.models.port import ProviderSettings

CHAT_COMPLETIONS: Final = "nightshift.models.openai_chat"
"""The adapter that most servers can be spoken to with."""


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """A model that the provider is known to have; both figures are the provider's."""

    model: str
    context_window_tokens: int
    max_output_tokens: int


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider.

    Attributes:
        name: the first part of its models' handles.
        adapter: module with `connect`.
        base_url: where it is unless the providers secret says otherwise; empty when the adapter's SDK knows.
        is_placed_by_settings: it runs wherever its owner runs it, so without `<PROVIDER>_BASE_URL` there is no call.
        client_type: what clients take for its type where they do not know its name; the official SDKs refuse others.
        settings_prefix: of its keys in the providers secret, where they are another provider's too.
        reasoning_field: of a Chat Completions message, by which reasoning comes and is sent back within a tool loop.
        reasoning_off: what is added to a Chat Completions body to switch reasoning off; empty when there is no way.
        models: the well-known ones.
    """

    name: str
    adapter: str = CHAT_COMPLETIONS
    base_url: str = ""
    is_placed_by_settings: bool = False
    client_type: str = ""
    settings_prefix: str = ""
    reasoning_field: str = "reasoning_content"
    reasoning_off: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    models: tuple[ModelFigures, ...] = ()

    @property
    def provider_type(self) -> str:
        """Return the type of provider that clients are told."""
        return self.client_type or self.name

    @property
    def keys_prefix(self) -> str:
        """Return what the names of its settings begin with."""
        return self.settings_prefix or self.name.upper().replace("-", "_")

    def address(self, settings: ProviderSettings) -> str:
        """Return the base URL of its calls, empty to leave it to the SDK.

        Raises:
            ModelCallError: there is none, and nobody but the settings could say it.
        """
        if self.is_placed_by_settings and not settings.base_url:
            raise ModelCallError(
                f"{self.name} has no address; set {self.keys_prefix}_BASE_URL in the providers secret",
                error_type="LLMNotFoundError",
            )
        return settings.base_url or self.base_url
