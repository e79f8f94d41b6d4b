"""What a run was asked to do, kept beside it from acceptance to the start of work."""

from dataclasses import dataclass

from nightshift.domain.message import MessageDraft


@dataclass(frozen=True, slots=True)
class RunRequest:
    """The content of one request.

    Attributes:
        inputs: messages to append before the first step.
        override_model: handle `provider/model` for this run only, None for the agent's.
        override_system: system prompt sent verbatim for this run only, None for the conversation's.
        correlation_id: of the API request, for the logs.
    """

    inputs: tuple[MessageDraft, ...]
    override_model: str | None = None
    override_system: str | None = None
    correlation_id: str = ""
