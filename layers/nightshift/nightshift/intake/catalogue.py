"""Models as the API lists them (letta_api_spec §5.1)."""

from typing import Any

from nightshift.intake.wire.catalogue import ListModelsQuery
from nightshift.models.catalogue import KnownModel, known_models


def list_known_models(query: ListModelsQuery) -> list[dict[str, Any]]:
    """Return the known models that the query admits; all providers are of the category `base`."""
    if query.provider_category and "base" not in query.provider_category:
        return []
    return [
        _show(model)
        for model in known_models()
        if query.provider_name in {None, model.provider} and query.provider_type in {None, model.provider_type}
    ]


def _show(model: KnownModel) -> dict[str, Any]:
    return {
        "name": model.model,
        "display_name": model.model,
        "handle": model.handle,
        "model": model.model,
        "model_type": "llm",
        "model_endpoint_type": model.provider_type,
        "provider_type": model.provider_type,
        "provider_name": model.provider,
        "provider_category": "base",
        "context_window": model.context_window_tokens,
        "max_context_window": model.context_window_tokens,
        "max_tokens": model.max_output_tokens,
    }
