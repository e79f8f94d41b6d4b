"""The body that starts a run (letta_api_spec §1.1)."""

from typing import Annotated, Self

from pydantic import AliasChoices, FailFast, Field, StrictBool, StrictInt, field_validator, model_validator

from nightshift.domain.callback_url import CallbackUrl
from nightshift.domain.run import DEFAULT_MAX_STEPS, DisplayConfig
from nightshift.domain.run_request import RunRequest
from nightshift.intake.wire.base import ShortText, Wire
from nightshift.intake.wire.content import Content, MessageCreate, MessageType

MAX_MESSAGES = 1_000
"""Messages of one request; appended fifty at a time, they take a second of the runner's time."""


class CreateRun(Wire):
    """Body of `POST /v1/agents/{agent_id}/messages/async` (letta_api_spec §1.1)."""

    input: Content | None = None
    messages: Annotated[list[MessageCreate], Field(min_length=1, max_length=MAX_MESSAGES), FailFast()] | None = None
    max_steps: Annotated[StrictInt, Field(ge=1, le=1_000_000)] = DEFAULT_MAX_STEPS
    callback_url: str | None = None
    include_return_message_types: Annotated[list[MessageType], FailFast()] | None = None
    use_assistant_message: StrictBool = True
    assistant_message_tool_name: ShortText = "send_message"
    assistant_message_tool_kwarg: ShortText = "message"
    override_model: ShortText | None = None
    override_system: str | None = Field(default=None, validation_alias=AliasChoices("override_system", "system"))

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.input is None and self.messages is None:
            raise ValueError("Must specify either 'input' or 'messages'; found neither")
        if self.input is not None and self.messages is not None:
            raise ValueError("Must specify either 'input' or 'messages'; found both")
        return self

    @field_validator("callback_url")
    @classmethod
    def _check_callback_url(cls, url: str | None) -> str | None:
        if url is not None:
            CallbackUrl.parse(url)
        return url

    def to_request(self, correlation_id: str) -> RunRequest:
        """Return what the run is to do; messages without an otid get one."""
        messages = self.messages or [MessageCreate(role="user", content=self.input or "")]
        return RunRequest(
            inputs=tuple(message.to_draft() for message in messages),
            override_model=self.override_model,
            override_system=self.override_system,
            correlation_id=correlation_id,
        )

    def to_display(self) -> DisplayConfig:
        types = self.include_return_message_types
        return DisplayConfig(
            use_assistant_message=self.use_assistant_message,
            assistant_message_tool_name=self.assistant_message_tool_name,
            assistant_message_tool_kwarg=self.assistant_message_tool_kwarg,
            include_return_message_types=None if types is None else tuple(dict.fromkeys(types)),
        )
