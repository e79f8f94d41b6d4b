"""One provider's adapter, as the tests that hold for every provider see it."""

from dataclasses import dataclass

from models.builders import QUICK, model_id, request
from nightshift.domain.message import MessageDraft
from nightshift.models.port import Model, ModelAnswer, ModelRequest, ProviderSettings, RetryPolicy
from nightshift.models.registry import model_for
from support.scripted_model.server import ScriptedModel

PROVIDERS = ("anthropic", "bedrock", "openai", "openai-responses")
"""One provider for each protocol; what holds for these holds for all that share their adapters."""

WITHOUT_VERSION = frozenset({"anthropic", "bedrock"})
"""Providers whose base URL is the server's root."""


@dataclass(frozen=True)
class Adapter:
    """One provider's adapter, ready to be pointed at a scripted model."""

    provider: str

    @property
    def handle(self) -> str:
        return f"{self.provider}/{model_id(self.provider)}"

    def connect(self, scripted: ScriptedModel, policy: RetryPolicy = QUICK, api_key: str | None = None) -> Model:
        base_url = scripted.url if self.provider in WITHOUT_VERSION else scripted.openai_base_url
        return model_for(self.provider, ProviderSettings(base_url, api_key), policy)

    def request(self, *drafts: MessageDraft, **fields: object) -> ModelRequest:
        return request(*drafts, provider=self.provider, **fields)

    def ask(self, scripted: ScriptedModel, *drafts: MessageDraft, **fields: object) -> ModelAnswer:
        return self.connect(scripted).complete(self.request(*drafts, **fields))
