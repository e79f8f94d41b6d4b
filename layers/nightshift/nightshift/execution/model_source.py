"""Where a run's model comes from: the adapter of its provider, with the settings that the providers secret holds."""

from dataclasses import dataclass

from nightshift.domain.errors import ModelCallError, RequestError
from nightshift.models.port import Model, ProviderSettings
from nightshift.storage.secrets import Secret


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Finds models by handle. The secret's keys are `<PROVIDER>_BASE_URL` and `<PROVIDER>_API_KEY`.

    Attributes:
        allow_private_images: fetch pictures for a model from private addresses too; for one's own machine.
    """

    secret: Secret
    allow_private_images: bool = False

    def model(self, handle: str) -> Model:
        """Return the model's provider, connected.

        Raises:
            ModelCallError: the handle names no known provider (any more).
            TransientError: the secret could not be read.
        """
        from nightshift.models.handles import parse_handle  # noqa: PLC0415 -- only where a model is asked
        from nightshift.models.registry import model_for  # noqa: PLC0415 -- as above

        try:
            provider = parse_handle(handle).provider
        except RequestError as error:
            raise ModelCallError(str(error), error_type="LLMNotFoundError") from error
        return model_for(provider, self._settings_of(provider))

    def has_own_address(self, provider: str) -> bool:
        """Tell whether the secret places the provider, so that its models need not be the well-known ones."""
        return self._settings_of(provider).base_url is not None

    def _settings_of(self, provider: str) -> ProviderSettings:
        from nightshift.models.registry import find_provider  # noqa: PLC0415 -- as above

        settings = self.secret.mapping()
        prefix = find_provider(provider).keys_prefix
        return ProviderSettings(settings.get(f"{prefix}_BASE_URL") or None, settings.get(f"{prefix}_API_KEY") or None)
