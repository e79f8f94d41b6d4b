"""Every error that Nightshift raises on purpose, and what each one makes its caller do.

NightshiftError
├── RequestError            the client's request can't be served as it is: 4xx, nothing was written
│   ├── NotFoundError       404  also for another tenant's things, which look like unknown ones
│   ├── InvalidRequestError 400  well-formed, yet meaningless
│   ├── ConflictError       409  the state forbids it; repeating won't help
│   │   └── PendingApprovalError  the agent waits for its client's answer to a request for approval
│   ├── PayloadTooLargeError 413 over a documented limit
│   └── TooManyRequestsError 429 over a limit that time alone relaxes
├── RunFailedError          the run ends `failed` with this stop reason; the doorbell is acknowledged
│   └── ModelCallError      the provider gave no usable answer, after its retries
├── TransientError          nothing is wrong with the request: raise, and the doorbell comes again
│   ├── ConditionFailedError a conditional write found another state; holds the item that was found
│   └── PayloadMissingError an object is not there, or may not be read: whoever repeats the call counts how often
└── LeaseLostError          somebody else executes this conversation now: write nothing, acknowledge

Anything else that is raised is a bug: it reaches the dead-letter queue and its alarm.
"""

from collections.abc import Mapping
from typing import Any

from nightshift.domain.stop_reason import StopReason


class NightshiftError(Exception):
    """Base of every error raised on purpose."""


class RequestError(NightshiftError):
    """The request can't be served; `status` is the HTTP status, `detail` what the client is told."""

    status = 400

    @property
    def detail(self) -> Any:
        """Return the public `detail` of the answer: the text, unless the API has a form of its own."""
        return str(self)


class InvalidRequestError(RequestError):
    """The request is well-formed and still can't mean anything."""


class NotFoundError(RequestError):
    """No such thing exists for this tenant."""

    status = 404


class ConflictError(RequestError):
    """The present state forbids the request, and sending it again won't change that."""

    status = 409


class PendingApprovalError(ConflictError):
    """The agent waits for its client's answer; `request_id` is the message that asked (letta_api_spec §1.4)."""

    def __init__(self, text: str, request_id: str) -> None:
        super().__init__(text)
        self.request_id = request_id

    @property
    def detail(self) -> Any:
        return {"code": "PENDING_APPROVAL", "message": str(self), "pending_request_id": self.request_id}


class PayloadTooLargeError(RequestError):
    """The request is larger than the documented limit."""

    status = 413


class TooManyRequestsError(RequestError):
    """A limit is reached that frees itself with time; `retry_after_seconds` is a fair guess of how long."""

    status = 429

    def __init__(self, detail: str, retry_after_seconds: int) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class IntakePausedError(RequestError):
    """The operator accepts no runs of this tenant at present; `retry_after_seconds` is when to ask again."""

    status = 503

    def __init__(self, detail: str, retry_after_seconds: int) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class RunFailedError(NightshiftError):
    """The run can't go on; it ends with `stop_reason` and keeps the text as `metadata.error`.

    Attributes:
        error_type: class-like name for the failing step, such as `LLMRateLimitError`.
    """

    def __init__(self, detail: str, *, stop_reason: StopReason = StopReason.ERROR, error_type: str = "") -> None:
        super().__init__(detail)
        self.stop_reason = stop_reason
        self.error_type = error_type or type(self).__name__


class ModelCallError(RunFailedError):
    """The provider gave no usable answer although the call was retried.

    Attributes:
        retry_after_seconds: how long the provider asked to wait, None when it did not say.
    """

    def __init__(
        self,
        detail: str,
        *,
        stop_reason: StopReason = StopReason.LLM_API_ERROR,
        error_type: str = "LLMError",
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(detail, stop_reason=stop_reason, error_type=error_type)
        self.retry_after_seconds = retry_after_seconds


class TransientError(NightshiftError):
    """A service did not answer as it should; the same call may succeed later."""


class ConditionFailedError(TransientError):
    """A conditional write found another state.

    Attributes:
        found: the item as it was, empty when there is none or the service did not send it.
        index: 0-based place of the failed write within its transaction, 0 outside one.
    """

    def __init__(self, detail: str, found: Mapping[str, Any] | None = None, index: int = 0) -> None:
        super().__init__(detail)
        self.found = dict(found or {})
        self.index = index


class PayloadMissingError(TransientError):
    """An object of the bucket is not there, or may not be read: to a role that may not list it S3 says the same.

    A permission comes back, an object does not.
    """


class LeaseLostError(NightshiftError):
    """This runner's fencing token is not the newest: another one executes the conversation, or the run was ended."""
