"""What a callback says (letta_api_spec §2.4), built from stored facts alone: every attempt sends the same bytes."""

import json
from collections.abc import Iterable, Sequence

from nightshift.clock import to_iso
from nightshift.domain.callback import CallbackDelivery
from nightshift.domain.display import show_metadata, show_result
from nightshift.domain.message import Message
from nightshift.domain.run import Run
from nightshift.domain.step_outputs import StepOutputs


def build_body(
    run: Run, delivery: CallbackDelivery, messages: Iterable[Message], outputs: Sequence[StepOutputs] = ()
) -> bytes:
    """Return the JSON of the callback.

    Args:
        messages: the run's, oldest first; read only as far as they are shown.
        outputs: what the run asked to be told of its model's tokens.
    """
    body = {
        "run_id": run.id,
        # Outcome and time are the delivery's: an approval that is cancelled later changes the run, not what is told.
        "status": delivery.run_status.value,
        "completed_at": to_iso(delivery.run_completed_at),
        "metadata": show_metadata(run) | {"result": show_result(run, delivery, messages, outputs)},
    }
    return json.dumps(body, separators=(",", ":")).encode("ascii")
