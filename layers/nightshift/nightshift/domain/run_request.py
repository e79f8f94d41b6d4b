"""What a run was asked to do, kept beside it from acceptance to the start of work."""

from dataclasses import dataclass
from typing import Any

from nightshift.domain.approval import Approval
from nightshift.domain.message import MessageDraft, Role, ToolSchema


@dataclass(frozen=True, slots=True)
class ClientSkill:
    """A skill of the client's environment that the system prompt of this run lists."""

    name: str
    description: str
    location: str


@dataclass(frozen=True, slots=True)
class RunRequest:
    """The content of one request.

    Attributes:
        inputs: messages to append before the first step; an answer to an approval comes first, if there is one.
        override_model: handle `provider/model` for this run only, None for the agent's.
        override_system: system prompt sent verbatim for this run only, None for the conversation's.
        correlation_id: of the API request, for the logs.
        client_tools: tools that the client runs; the run pauses when one is called (letta_api_spec §3.8).
        client_skills: listed in the system prompt of this run only.
        enable_thinking: `true`, `false`, or what else a client wrote.
        include_compaction_messages: whether a compaction leaves an event and a summary among the run's messages.
        return_logprobs, top_logprobs: log probabilities of the last answer, with 0 to 20 alternatives a token.
        return_token_ids: token ids of all answers, where the provider has them.
        compaction_settings: of a run that compacts: those of the agent that it has otherwise; as in the API.
    """

    inputs: tuple[MessageDraft, ...]
    override_model: str | None = None
    override_system: str | None = None
    correlation_id: str = ""
    client_tools: tuple[ToolSchema, ...] = ()
    client_skills: tuple[ClientSkill, ...] = ()
    enable_thinking: str = "true"
    include_compaction_messages: bool = False
    return_logprobs: bool = False
    top_logprobs: int | None = None
    return_token_ids: bool = False
    compaction_settings: dict[str, Any] | None = None

    @property
    def answers_approval(self) -> bool:
        """Tell whether the run goes on where another one waits for its client; the rest of the inputs then follows."""
        return any(draft.role is Role.APPROVAL for draft in self.inputs)

    @property
    def answers(self) -> tuple[Approval, ...]:
        """Return the answers that it brings to a request for approval, none for one that brings messages alone."""
        return self.inputs[0].approvals if self.inputs else ()
