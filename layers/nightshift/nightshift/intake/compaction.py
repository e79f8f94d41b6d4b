"""What a compaction that was asked for came to, as its run left it."""

from nightshift.domain.compaction import CALL_WAITS, NOTHING_TO_COMPACT
from nightshift.domain.display import Json
from nightshift.domain.display_parts import unpack_summary
from nightshift.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from nightshift.domain.run import Run
from nightshift.domain.stop_reason import StopReason
from nightshift.storage.database import Database


def show_compaction(database: Database, run: Run) -> Json:
    """Show what a completed run to compact did: its summary is the last message that it wrote.

    Raises:
        NotFoundError: its messages were deleted meanwhile.
    """
    written = run.last_sequence
    found = None if written is None else database.messages.get(run.tenant, run.conversation_id, written)
    if found is None or found.draft.compaction is None:
        raise NotFoundError(f"Run not found: {run.id}")
    return {
        "summary": unpack_summary(found.draft.text),
        "num_messages_before": found.draft.compaction.messages_before,
        "num_messages_after": found.draft.compaction.messages_after,
    }


def require_compacted(run: Run) -> None:
    """Raise what the client is told when the conversation was not one to compact; the run made no model call then.

    Raises:
        InvalidRequestError: nothing would have been reduced.
        ConflictError: a tool call waits for its client, or the run was cancelled.
    """
    match run.error:
        case _ if run.stop_reason is StopReason.CANCELLED:
            raise ConflictError(f"CONFLICT: the compaction was cancelled; its run is {run.id}")
        case error if error == NOTHING_TO_COMPACT:
            raise InvalidRequestError(error)
        case error if error == CALL_WAITS:
            raise ConflictError(error)
