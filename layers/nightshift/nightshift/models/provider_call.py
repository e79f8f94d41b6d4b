"""One call as every adapter on an HTTP SDK makes it: the retries around it, and the errors that come out of it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nightshift.clock import Clock
from nightshift.domain.errors import ModelCallError
from nightshift.models import failures
from nightshift.models.error_answer import retry_after_seconds, shown_text, texts_of
from nightshift.models.port import ModelAnswer, ModelRequest, RetryPolicy
from nightshift.models.retries import call_with_retries


@dataclass(frozen=True, slots=True)
class StatusAnswer:
    """An HTTP answer that is an error, as an SDK gives it; `codes` are what the provider calls the error."""

    status: int
    headers: Mapping[str, str]
    body: object
    codes: Iterable[object] = ()


@dataclass(frozen=True, slots=True)
class ProviderCall:
    """What is the same in all calls to one provider; `api_key` is kept out of what is shown."""

    provider: str
    api_key: str
    policy: RetryPolicy
    clock: Clock

    def handle(self, request: ModelRequest) -> str:
        """Return the model's handle, for errors and logs."""
        return f"{self.provider}/{request.model}"

    def repeat(self, request: ModelRequest, attempt: Callable[[float], ModelAnswer]) -> ModelAnswer:
        """Call `attempt` with the seconds that it has, until an answer comes or the retries are used up."""
        return call_with_retries(
            attempt,
            model=self.handle(request),
            timeout_seconds=request.timeout_seconds,
            policy=self.policy,
            clock=self.clock,
        )

    def error_of(self, request: ModelRequest, found: StatusAnswer) -> ModelCallError:
        """Translate an error answer. Not to be chained: the SDK's own text may quote key and content."""
        answer = failures.ErrorAnswer(
            status=found.status,
            text=shown_text(_words_of(found.body), (self.api_key, *texts_of(request))),
            codes=frozenset(code for code in found.codes if isinstance(code, str)),
            retry_after_seconds=retry_after_seconds(found.headers, self.clock.now()),
            forbids_retry=found.headers.get("x-should-retry") == "false",
        )
        return failures.from_error_answer(self.handle(request), answer)


def _words_of(body: object) -> str:
    """Return the message in an error's body, whose `error` may be an object, a text, or unwrapped by the SDK already.

    OpenAI and Anthropic have `message`, FastAPI has `detail`; a body that is no JSON is its own words.
    """
    if not isinstance(body, Mapping):
        return body if isinstance(body, str) else ""
    inner: Any = body.get("error")
    if isinstance(inner, Mapping):
        return _words_of(inner)
    return str(body.get("message") or body.get("detail") or inner or "")
