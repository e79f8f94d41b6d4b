"""Blocks as clients create, change and look for them (letta_api_spec §5.2, §5.4)."""

from typing import Annotated, Any, Literal, Self

from pydantic import FailFast, Field, JsonValue, StrictBool, StrictInt, StringConstraints, model_validator

from nightshift.domain.block import DEFAULT_BLOCK_LIMIT_CHARS
from nightshift.intake.wire.base import PageQuery, ShortText, Wire

MAX_BLOCK_BYTES = 512 * 1024
"""For one block's value: an agent that has it shows it twice."""

type BlockLabel = Annotated[str, StringConstraints(max_length=128, pattern=r"^[A-Za-z0-9_./\-]+$")]

type BlockLimit = Annotated[StrictInt, Field(ge=1, le=100_000_000)]

type Tags = Annotated[list[ShortText], Field(max_length=1_000), FailFast()]

ORIGIN = (
    "base_template_id",
    "deployment_id",
    "entity_id",
    "hidden",
    "is_template",
    "preserve_on_migration",
    "project_id",
    "template_id",
    "template_name",
)
"""Fields that are kept and shown as the client gave them."""


class _BlockFields(Wire):
    """What creating and changing a block have in common."""

    limit: BlockLimit | None = None
    description: str | None = None
    read_only: StrictBool | None = None
    metadata: dict[str, JsonValue] | None = None
    tags: Tags | None = None
    base_template_id: ShortText | None = None
    deployment_id: ShortText | None = None
    entity_id: ShortText | None = None
    hidden: StrictBool | None = None
    is_template: StrictBool | None = None
    preserve_on_migration: StrictBool | None = None
    project_id: ShortText | None = None
    template_id: ShortText | None = None
    template_name: ShortText | None = None

    def origin(self) -> dict[str, Any]:
        """Return the fields of `ORIGIN` that were sent."""
        return {name: getattr(self, name) for name in ORIGIN if name in self.model_fields_set}


class CreateBlock(_BlockFields):
    """A new memory block: body of `POST /v1/blocks/`, and part of a new agent's."""

    label: BlockLabel
    value: str

    @model_validator(mode="after")
    def _check(self) -> Self:
        limit = self.limit or DEFAULT_BLOCK_LIMIT_CHARS
        if len(self.value) > limit:
            raise ValueError(f"the value has {len(self.value)} characters, the block's limit is {limit}")
        size = len(self.value.encode("utf-8", "replace"))
        if size > MAX_BLOCK_BYTES:
            raise ValueError(f"the value has {size} bytes, the limit is {MAX_BLOCK_BYTES}")
        return self


class UpdateBlock(_BlockFields):
    """Body of `PATCH /v1/blocks/{block_id}` and of an agent's block by label."""

    label: BlockLabel | None = None
    value: str | None = None


class ListBlocksQuery(PageQuery):
    """Query of `GET /v1/blocks/`."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 50
    order_by: Literal["created_at"] = "created_at"
    label: str | None = None
    label_search: str | None = None
    name: str | None = None
    description_search: str | None = None
    value_search: str | None = None
    tags: list[str] = []
    match_all_tags: bool = False
    templates_only: bool = False
    project_id: str | None = None
    identity_id: str | None = None
    identifier_keys: list[str] = []
    connected_to_agents_count_eq: list[int] = []
    connected_to_agents_count_gt: int | None = None
    connected_to_agents_count_lt: int | None = None


class AttachedBlocksQuery(PageQuery):
    """Query of `GET /v1/agents/{agent_id}/core-memory/blocks`."""

    order_by: Literal["created_at"] = "created_at"
