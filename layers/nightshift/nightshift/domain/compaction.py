"""How a conversation's context is shortened: whose model, which messages, what becomes of the summary (§3.9)."""

import json
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

from nightshift.domain.display_parts import SUMMARY_PREFACE, stats_of
from nightshift.domain.message import Compaction

DEFAULT_CLIP_CHARS: Final = 50_000
"""Longest summary that is kept, in characters (letta_api_spec §3.9)."""

DEFAULT_EVICTED_SHARE: Final = 0.30
"""`sliding_window_percentage`: the rest has to fit into what this leaves of the window, 70 %."""

NOTHING_TO_COMPACT: Final = "Nothing was reduced: the conversation is too short to be compacted in this mode"

CALL_WAITS: Final = "CONFLICT: a tool call of this conversation waits for its client; answer it before compacting"


class Trigger(StrEnum):
    """Why a context is compacted."""

    POST_STEP = "post_step_context_check"
    OVERFLOW = "context_window_exceeded"
    MANUAL = "manual"


class Mode(StrEnum):
    """What is summarised: the older messages or all; by another model from a transcript, or by the agent itself."""

    SLIDING_WINDOW = "sliding_window"
    ALL = "all"
    SELF_ALL = "self_compact_all"
    SELF_SLIDING_WINDOW = "self_compact_sliding_window"

    @property
    def is_by_agent(self) -> bool:
        return self in {Mode.SELF_ALL, Mode.SELF_SLIDING_WINDOW}

    @property
    def keeps_newest(self) -> bool:
        return self in {Mode.SLIDING_WINDOW, Mode.SELF_SLIDING_WINDOW}


@dataclass(frozen=True, slots=True)
class CompactionSettings:
    """`compaction_settings` of an agent or of a request to compact.

    Attributes:
        model: handle of the model that summarises, None for the default; of no account where the agent does it.
        model_settings: of that model, as in the API.
        prompt: instructions for the summary, None for those of the mode.
        prompt_acknowledgement: let the model seem to have agreed to the instructions before it reads the messages.
        sliding_window_percentage: see `DEFAULT_EVICTED_SHARE`.
    """

    mode: Mode = Mode.SLIDING_WINDOW
    model: str | None = None
    model_settings: dict[str, Any] | None = None
    prompt: str | None = None
    prompt_acknowledgement: bool = False
    clip_chars: int = DEFAULT_CLIP_CHARS
    sliding_window_percentage: float = DEFAULT_EVICTED_SHARE

    @classmethod
    def from_json(cls, *given: dict[str, Any] | None) -> Self:
        """Return what the first of these says, what it leaves out from the next one, the rest as by default."""
        names = {field.name for field in fields(cls)}
        said: dict[str, Any] = {}
        for one in reversed(given):
            said |= {name: value for name, value in (one or {}).items() if name in names and value is not None}
        return cls(**said | {"mode": Mode(said.get("mode", Mode.SLIDING_WINDOW))})


def pack_summary(summary: str, compaction: Compaction, now: datetime) -> str:
    """Return the text of a summary's message: JSON that tells the model what it is reading."""
    return json.dumps(
        {
            "type": "system_alert",
            "message": SUMMARY_PREFACE + summary,
            "time": now.strftime("%Y-%m-%d %I:%M:%S %p UTC%z"),
            "compaction_stats": stats_of(compaction),
        },
        ensure_ascii=False,
    )
