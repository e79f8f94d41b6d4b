"""Passages of archival memory as clients keep and look for them (letta_api_spec §5.3)."""

from typing import Annotated, Literal

from pydantic import Field

from nightshift.domain.passage import DEFAULT_RESULTS, MAX_RESULTS
from nightshift.intake.wire.base import Moment, PageQuery, ShortText, Wire


class CreatePassage(Wire):
    """Body of `POST /v1/agents/{agent_id}/archival-memory`; a time without a zone is UTC."""

    text: str
    tags: list[ShortText] | None = None
    created_at: Moment | None = None


class ListPassagesQuery(PageQuery):
    """Query of `GET /v1/agents/{agent_id}/archival-memory`; `ascending` gives the order."""

    ascending: bool = True
    search: str | None = None


class SearchPassagesQuery(Wire):
    """Query of `GET /v1/agents/{agent_id}/archival-memory/search`; times without a zone are in the agent's."""

    query: str
    tags: list[ShortText] = []
    tag_match_mode: Literal["any", "all"] = "any"
    top_k: Annotated[int, Field(ge=1, le=MAX_RESULTS)] = DEFAULT_RESULTS
    start_datetime: ShortText | None = None
    end_datetime: ShortText | None = None
