"""Bodies that ask for a compaction (letta_api_spec §3.9)."""

from nightshift.domain.run import DEFAULT_MAX_STEPS, DisplayConfig, RunKind
from nightshift.domain.run_request import RunRequest
from nightshift.intake.wire.base import AgentId, Wire
from nightshift.intake.wire.model_settings import CompactionSettings


class CompactMessages(Wire):
    """Body of `POST /v1/agents/{agent_id}/summarize`; what it leaves out of the settings, the agent's say."""

    compaction_settings: CompactionSettings | None = None

    @property
    def kind(self) -> RunKind:
        return RunKind.COMPACTION

    @property
    def override_model(self) -> None:
        return None

    @property
    def max_steps(self) -> int:
        return DEFAULT_MAX_STEPS

    @property
    def callback_url(self) -> None:
        return None

    @property
    def otids(self) -> None:
        return None

    def to_display(self) -> DisplayConfig:
        return DisplayConfig()

    def to_request(self, correlation_id: str) -> RunRequest:
        """Return what the run is to do: nothing is said, so that it has no inputs."""
        settings = self.compaction_settings
        plain = settings.model_dump(exclude_none=True) if settings else None
        return RunRequest(inputs=(), correlation_id=correlation_id, compaction_settings=plain)


class CompactConversation(CompactMessages):
    """Body of `POST /v1/conversations/{conversation_id}/compact`."""

    agent_id: AgentId | None = None
