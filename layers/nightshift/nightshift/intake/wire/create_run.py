"""The body that starts a run (letta_api_spec §1.1)."""

import re
from typing import Annotated, Any, Self

from pydantic import (
    AliasChoices,
    ConfigDict,
    FailFast,
    Field,
    JsonValue,
    StrictBool,
    StrictInt,
    StrictStr,
    StringConstraints,
    field_validator,
    model_validator,
)

from nightshift.domain.message import ToolSchema
from nightshift.domain.run import DEFAULT_MAX_STEPS, DisplayConfig, RunKind
from nightshift.domain.run_request import ClientSkill as DomainSkill
from nightshift.domain.run_request import RunRequest
from nightshift.domain.web_url import WebUrl
from nightshift.intake.wire.base import MessageType, ShortText, Wire
from nightshift.intake.wire.content import InputContent
from nightshift.intake.wire.messages import AnyMessageCreate, MessageCreate, input_draft

MAX_MESSAGES = 1_000
"""Messages of one request; appended fifty at a time, they take a second of the runner's time."""


class RunHeaders(Wire):
    """What the headers say about whether the request was sent before.

    Attributes:
        idempotency_key: the client's own name for the request.
        retry_count: how often the official SDK has sent it already; what is no number counts as 0.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, validate_by_name=True)

    idempotency_key: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,256}$")] | None = Field(
        default=None, validation_alias="idempotency-key"
    )
    retry_count: int = Field(default=0, validation_alias="x-stainless-retry-count")

    @field_validator("retry_count", mode="before")
    @classmethod
    def _read_count(cls, value: Any) -> Any:
        return value if re.fullmatch("[0-9]{1,4}", str(value)) else 0


NO_HEADERS = RunHeaders.model_construct()


class ClientTool(Wire):
    """A tool that the client runs itself."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    description: str | None = None
    parameters: dict[str, JsonValue] | None = None

    def to_schema(self) -> ToolSchema:
        if self.parameters is None:
            return ToolSchema(self.name, self.description or "")
        return ToolSchema(self.name, self.description or "", dict(self.parameters))


class ClientSkill(Wire):
    """A skill of the client's environment."""

    name: str
    description: str
    location: str

    def to_skill(self) -> DomainSkill:
        return DomainSkill(self.name, self.description, self.location)


class CreateRun(Wire):
    """Body of `POST /v1/agents/{agent_id}/messages/async` (letta_api_spec §1.1)."""

    input: InputContent | None = None
    messages: Annotated[list[AnyMessageCreate], Field(min_length=1, max_length=MAX_MESSAGES), FailFast()] | None = None
    max_steps: Annotated[StrictInt, Field(ge=1, le=1_000_000)] = DEFAULT_MAX_STEPS
    callback_url: str | None = None
    include_return_message_types: Annotated[list[MessageType], FailFast()] | None = None
    use_assistant_message: StrictBool = True
    assistant_message_tool_name: ShortText = "send_message"
    assistant_message_tool_kwarg: ShortText = "message"
    enable_thinking: StrictBool | Annotated[StrictStr, Field(max_length=256)] = "true"
    client_tools: Annotated[list[ClientTool], FailFast()] | None = None
    client_skills: Annotated[list[ClientSkill], FailFast()] | None = None
    override_model: ShortText | None = None
    override_system: str | None = Field(default=None, validation_alias=AliasChoices("override_system", "system"))
    include_compaction_messages: StrictBool = False
    return_logprobs: StrictBool = False
    top_logprobs: Annotated[StrictInt, Field(ge=0, le=20)] | None = None
    return_token_ids: StrictBool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.input is None and self.messages is None:
            raise ValueError("Must specify either 'input' or 'messages'; found neither")
        if self.input is not None and self.messages is not None:
            raise ValueError("Must specify either 'input' or 'messages'; found both")
        return self

    @field_validator("messages")
    @classmethod
    def _check_order(cls, messages: list[AnyMessageCreate] | None) -> list[AnyMessageCreate] | None:
        """Refuse an answer to an approval anywhere but at the beginning, where it decides what the run is."""
        for place, message in enumerate(messages or []):
            if place > 0 and not isinstance(message, MessageCreate):
                raise ValueError(f"only the first message may be an approval or a tool return; message {place} is one")
        return messages

    @field_validator("callback_url")
    @classmethod
    def _check_callback_url(cls, url: str | None) -> str | None:
        if url is not None:
            WebUrl.parse(url)
        return url

    @property
    def kind(self) -> RunKind:
        return RunKind.MESSAGES

    @property
    def otids(self) -> list[str] | None:
        """Return the messages' otids in their order if every message has one."""
        found = [message.otid for message in self.messages or [] if message.otid]
        return found if found and len(found) == len(self.messages or []) else None

    def to_request(self, correlation_id: str) -> RunRequest:
        """Return what the run is to do; messages without an otid get one."""
        messages = self.messages or []
        inputs = [input_draft(self.input)] if self.input is not None else [message.to_draft() for message in messages]
        return RunRequest(
            inputs=tuple(inputs),
            override_model=self.override_model,
            override_system=self.override_system,
            correlation_id=correlation_id,
            client_tools=tuple(tool.to_schema() for tool in self.client_tools or []),
            client_skills=tuple(skill.to_skill() for skill in self.client_skills or []),
            enable_thinking=str(self.enable_thinking).lower(),
            include_compaction_messages=self.include_compaction_messages,
            return_logprobs=self.return_logprobs,
            top_logprobs=self.top_logprobs,
            return_token_ids=self.return_token_ids,
        )

    def to_display(self) -> DisplayConfig:
        types = self.include_return_message_types
        return DisplayConfig(
            use_assistant_message=self.use_assistant_message,
            assistant_message_tool_name=self.assistant_message_tool_name,
            assistant_message_tool_kwarg=self.assistant_message_tool_kwarg,
            include_return_message_types=None if types is None else tuple(dict.fromkeys(types)),
        )
