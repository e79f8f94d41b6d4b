"""The one map from what a provider does wrong to a `ModelCallError`, used by every adapter.

ModelCallError
└── TransientModelCallError   the same call may succeed soon: `models/retries.py` repeats it

A text says who answered what, and what to do about it.
"""

from dataclasses import dataclass
from typing import Final

from nightshift.domain.errors import ModelCallError
from nightshift.domain.stop_reason import StopReason


class TransientModelCallError(ModelCallError):
    """The same call may succeed soon; raised to the caller only when the retries are used up."""


class AnswerWithheldError(Exception):
    """The provider's content filter cut the answer; raised by what reads answers, for the adapter to translate."""


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """An HTTP answer that is an error.

    Attributes:
        text: the provider's words, already fit to be shown.
        codes: whatever the provider calls this error, in its own words.
        retry_after_seconds: how long the provider asks to wait, None when it does not say.
        forbids_retry: the provider says that repeating is useless.
    """

    status: int
    text: str
    codes: frozenset[str] = frozenset()
    retry_after_seconds: float | None = None
    forbids_retry: bool = False


@dataclass(frozen=True, slots=True)
class FailureKind:
    """What an error answer means for the step and for the person who reads of it."""

    error_type: str
    next_action: str
    is_transient: bool = False
    stop_reason: StopReason = StopReason.LLM_API_ERROR


AUTHENTICATION: Final = FailureKind("LLMAuthenticationError", "check the key in the providers secret")
BAD_REQUEST: Final = FailureKind("LLMBadRequestError", "check the agent's model settings and tools")
CONFLICT: Final = FailureKind("LLMConflictError", "send the message again later", is_transient=True)
CONTEXT_WINDOW: Final = FailureKind(
    "LLMContextWindowExceededError", "lower the agent's context window or choose a model with a larger one"
)
CREDITS: Final = FailureKind(
    "LLMInsufficientCreditsError", "add credit to the provider's account", stop_reason=StopReason.INSUFFICIENT_CREDITS
)
NOT_FOUND: Final = FailureKind("LLMNotFoundError", "check the model's name and the base URL in the providers secret")
PERMISSION: Final = FailureKind("LLMPermissionDeniedError", "allow this key or role to use the model")
RATE_LIMIT: Final = FailureKind(
    "LLMRateLimitError", "send the message again later or raise the provider's limit", is_transient=True
)
SERVER: Final = FailureKind("LLMServerError", "send the message again later", is_transient=True)
TIMEOUT: Final = FailureKind("LLMTimeoutError", "send the message again or choose a faster model", is_transient=True)
UNPROCESSABLE: Final = FailureKind("LLMUnprocessableEntityError", "check the agent's model settings and tools")

_BY_STATUS: Final = {
    401: AUTHENTICATION,
    402: CREDITS,
    403: PERMISSION,
    404: NOT_FOUND,
    408: TIMEOUT,
    409: CONFLICT,
    413: CONTEXT_WINDOW,
    422: UNPROCESSABLE,
    429: RATE_LIMIT,
}

_BY_CODE: Final = {
    # OpenAI answers 429 when the account has no money left, which waiting does not mend.
    "insufficient_quota": CREDITS,
    "billing_hard_limit_reached": CREDITS,
    "billing_not_active": CREDITS,
    "billing_error": CREDITS,
    "context_length_exceeded": CONTEXT_WINDOW,
    "exceed_context_size_error": CONTEXT_WINDOW,
    # AWS answers these with 400 or 403.
    "ExpiredTokenException": AUTHENTICATION,
    "IncompleteSignature": AUTHENTICATION,
    "InvalidClientTokenId": AUTHENTICATION,
    "InvalidSignatureException": AUTHENTICATION,
    "UnrecognizedClientException": AUTHENTICATION,
    "ServiceQuotaExceededException": RATE_LIMIT,
    # The model broke while it answered; AWS uses 424 for it.
    "ModelErrorException": SERVER,
}

_NO_CREDIT_PHRASES: Final = ("credit balance is too low",)
"""Anthropic answers 400 with these words when the account has no money left."""

_TOO_LONG_PHRASES: Final = (
    "input is too long",
    "prompt is too long",
    "context length",
    "context limit",
    "context size",
    "context window",
    "input tokens exceed",
)
"""How servers without a code of their own word it, found in the answers of Bedrock, vLLM, llama.cpp and LM Studio."""


def from_error_answer(model: str, answer: ErrorAnswer) -> ModelCallError:
    """Translate an error answer; `model` is the handle."""
    kind = _kind_of(answer)
    detail = f"{model} answered {answer.status}: {answer.text or 'no message'}; {kind.next_action}"
    is_transient = kind.is_transient and not answer.forbids_retry
    return _error(kind, detail, is_transient=is_transient, retry_after_seconds=answer.retry_after_seconds)


def timed_out(model: str, seconds: float) -> ModelCallError:
    """Make the error for a call that was given up after `seconds`."""
    detail = f"{model} did not answer within {seconds:.1f} s; {TIMEOUT.next_action}"
    return _error(TIMEOUT, detail, is_transient=True)


def unreachable(model: str, cause: BaseException) -> ModelCallError:
    """Make the error for a connection that could not be made or broke before the answer was complete."""
    kind = FailureKind("LLMConnectionError", "check the base URL in the providers secret", is_transient=True)
    detail = f"{model}: no connection to the provider ({type(cause).__name__}); {kind.next_action}"
    return _error(kind, detail, is_transient=True)


def not_signed_in(model: str, cause: BaseException) -> ModelCallError:
    """Make the error for credentials that are missing before anything is sent."""
    detail = f"{model}: no credentials ({type(cause).__name__}); {AUTHENTICATION.next_action} or the function's role"
    return _error(AUTHENTICATION, detail)


def not_sent(model: str, cause: BaseException) -> ModelCallError:
    """Make the error for a request that the SDK itself refuses to send; its words may quote the request."""
    return _error(
        BAD_REQUEST, f"{model}: the SDK refused the request ({type(cause).__name__}); {BAD_REQUEST.next_action}"
    )


def malformed_answer(model: str, finding: str) -> ModelCallError:
    """Make the error for an answer that is not what the provider's API promises; `finding` holds no content."""
    return ModelCallError(
        f"{model} sent an answer that can't be read: {finding}; check the base URL and the server behind it",
        stop_reason=StopReason.INVALID_LLM_RESPONSE,
        error_type="LLMMalformedResponseError",
    )


def withheld_by_filter(model: str) -> ModelCallError:
    """Make the error for an answer that the provider's content filter cut; half of it must not pass for the whole."""
    return ModelCallError(
        f"{model}: the provider's content filter withheld the answer; reword the message or adjust the filter",
        error_type="LLMContentFilteredError",
    )


def _kind_of(answer: ErrorAnswer) -> FailureKind:
    for code in answer.codes:
        if code in _BY_CODE:
            return _BY_CODE[code]
    if answer.status == 400 and any(phrase in answer.text.lower() for phrase in _NO_CREDIT_PHRASES):
        return CREDITS
    if answer.status in {400, 413, 422, 500} and any(phrase in answer.text.lower() for phrase in _TOO_LONG_PHRASES):
        return CONTEXT_WINDOW
    return _BY_STATUS.get(answer.status, SERVER if answer.status >= 500 else BAD_REQUEST)


def _error(
    kind: FailureKind,
    detail: str,
    *,
    is_transient: bool = False,
    retry_after_seconds: float | None = None,
) -> ModelCallError:
    error = TransientModelCallError if is_transient else ModelCallError
    return error(
        detail,
        stop_reason=kind.stop_reason,
        error_type=kind.error_type,
        retry_after_seconds=retry_after_seconds,
    )
