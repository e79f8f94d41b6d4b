"""The callbacks as their receiver takes them in: verified at arrival, known again by their `webhook-id`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from standardwebhooks import Webhook, WebhookVerificationError

from chaos.load import EFFECTS_PATH
from support.receiver import ReceivedRequest, Receiver


@dataclass(slots=True)
class Callbacks:
    """What came in so far.

    Attributes:
        by_run: `webhook-id`s by run.
        statuses: what the newest callback said of each run.
        received: how many came, repetitions among them.
        forged: how many had no right signature.
    """

    receiver: Receiver
    secret: str
    by_run: dict[str, set[str]] = field(default_factory=dict)
    statuses: dict[str, str] = field(default_factory=dict)
    received: int = 0
    forged: int = 0
    _taken_in: int = 0

    def take_in(self) -> None:
        """Verify what came since the last time; a signature is good for five minutes only."""
        arrived = self.receiver.requests[self._taken_in :]
        self._taken_in += len(arrived)
        for request in arrived:
            if request.path != EFFECTS_PATH:
                self._take(request)

    def effects(self) -> Sequence[ReceivedRequest]:
        """Return the requests that tools made."""
        return [request for request in self.receiver.requests if request.path == EFFECTS_PATH]

    def _take(self, request: ReceivedRequest) -> None:
        self.received += 1
        try:
            Webhook(self.secret).verify(request.body, request.headers)
        except WebhookVerificationError:
            self.forged += 1
            return
        body = json.loads(request.body)
        self.by_run.setdefault(body["run_id"], set()).add(request.headers["webhook-id"])
        self.statuses[body["run_id"]] = body["status"]
