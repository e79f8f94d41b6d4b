"""Queries of what there is to choose from (letta_api_spec §5.1)."""

from nightshift.intake.wire.base import Wire


class ListModelsQuery(Wire):
    """Query of `GET /v1/models/`."""

    provider_category: list[str] = []
    provider_name: str | None = None
    provider_type: str | None = None
