"""What everything that comes over the wire shares. Unknown fields are ignored at every level."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt, StringConstraints

from nightshift.domain import ids

MAX_TOKENS = 100_000_000
"""Upper bound of every count of tokens: far above any model, and exact in every store and language."""


type Tokens = Annotated[StrictInt, Field(ge=1, le=MAX_TOKENS)]


type ShortText = Annotated[str, Field(max_length=256)]
"""What is stored in items that every checkpoint rewrites: names and handles, not content."""


def _to_utc(moment: datetime) -> datetime:
    """Return the moment in UTC, which is also meant where no zone is named."""
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("in UTC the moment is outside the years 1 to 9999") from error


type Moment = Annotated[datetime, AfterValidator(_to_utc)]


type AgentId = Annotated[str, StringConstraints(pattern=ids.id_pattern("agent"))]


type MessageType = Literal[
    "system_message",
    "user_message",
    "assistant_message",
    "reasoning_message",
    "hidden_reasoning_message",
    "tool_call_message",
    "tool_return_message",
    "approval_request_message",
    "approval_response_message",
    "summary_message",
    "event_message",
]


class Wire(BaseModel):
    """Base of everything that comes over the wire. A list is refused at its first bad element.

    A model's validator is built at its first use: a cold start needs one or two of them, not all that its modules name.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False, defer_build=True)


class PageQuery(Wire):
    """Where a list begins and how much of it is wanted."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    order: Literal["asc", "desc"] = "desc"
    before: str | None = None
    after: str | None = None
