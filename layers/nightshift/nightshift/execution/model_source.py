"""Where a run's model comes from: the adapter of its provider, with the settings that the providers secret holds."""

from dataclasses import dataclass

from nightshift.domain.errors import ModelCallError, RequestError
from nightshift.models.handles import parse_handle
from nightshift.models.port import Model, ProviderSettings
from nightshift.models.registry import model_for
from nightshift.storage.secrets import Secret


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Finds models by handle. The secret's keys are `<PROVIDER>_BASE_URL` and `<PROVIDER>_API_KEY`."""

    secret: Secret

    def model(self, handle: str) -> Model:
        """Return the model's provider, connected.

        Raises:
            ModelCallError: the handle names no known provider (any more).
            TransientError: the secret could not be read.
        """
        try:
            provider = parse_handle(handle).provider
        except RequestError as error:
            raise ModelCallError(str(error), error_type="LLMNotFoundError") from error
        return model_for(provider, self._settings_of(provider))

    def _settings_of(self, provider: str) -> ProviderSettings:
        settings = self.secret.mapping()
        prefix = provider.upper()
        return ProviderSettings(settings.get(f"{prefix}_BASE_URL") or None, settings.get(f"{prefix}_API_KEY") or None)
