"""The adapter for OpenAI Chat Completions, and for every server that speaks it: vLLM, SGLang, Ollama, llama.cpp.

The official SDK signs, sends and keeps the connections; retries are `models/retries.py`'s.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from openai import APIConnectionError, APIStatusError, APITimeoutError, OpenAI, OpenAIError, Timeout, omit

from nightshift.clock import Clock, SystemClock
from nightshift.domain.errors import ModelCallError
from nightshift.models import failures
from nightshift.models.answer_fields import MalformedAnswerError, parse_json_object, text_at
from nightshift.models.chat_answer import FILTERED_FINISH_REASON, first_choice, read_chat_answer
from nightshift.models.chat_request import chat_messages, chat_tools
from nightshift.models.error_answer import retry_after_seconds, shown_text, texts_of
from nightshift.models.port import ModelAnswer, ModelRequest, ProviderSettings, RetryPolicy
from nightshift.models.retries import call_with_retries

if TYPE_CHECKING:
    from openai._legacy_response import LegacyAPIResponse
    from openai.types.chat import ChatCompletion

DEFAULT_BASE_URL = "https://api.openai.com/v1"

KEYLESS = "none"
"""Sent where no key is set: the SDK insists on one, a server without keys does not look."""

CONNECT_TIMEOUT_SECONDS = 5
"""The SDK's own default."""

_HOSTS_OF_THE_NEW_LIMIT: Final = ("api.openai.com", ".openai.azure.com")
"""Hosts whose newer models refuse `max_tokens`; compatible servers may know nothing else."""


def connect(settings: ProviderSettings, policy: RetryPolicy) -> "OpenAIChatModel":
    """Make the adapter; opens no connection yet. The SDK keeps up to 100 of them open."""
    client = OpenAI(
        base_url=settings.base_url or DEFAULT_BASE_URL,
        api_key=settings.api_key or KEYLESS,
        timeout=policy.attempt_timeout_seconds,
        max_retries=0,
    )
    return OpenAIChatModel(client, settings, policy, SystemClock())


class OpenAIChatModel:
    """One server that speaks Chat Completions; safe to use from many threads, as the SDK's client is."""

    def __init__(self, client: OpenAI, settings: ProviderSettings, policy: RetryPolicy, clock: Clock) -> None:
        self._client = client
        self._api_key = settings.api_key or ""
        self._policy = policy
        self._clock = clock

    @property
    def endpoint(self) -> str | None:
        # The step shows it to everybody who may read the run: without the password that a URL may hold.
        return str(self._client.base_url.copy_with(userinfo=b"")).rstrip("/")

    def complete(self, request: ModelRequest) -> ModelAnswer:
        """Ask the model once; see the port."""
        return call_with_retries(
            lambda seconds: self._attempt(request, seconds),
            model=_handle(request),
            timeout_seconds=request.timeout_seconds,
            policy=self._policy,
            clock=self._clock,
        )

    def _attempt(self, request: ModelRequest, seconds: float) -> ModelAnswer:
        try:
            response = self._post(request, seconds)
            completion = parse_json_object(response.http_response.content)
            if text_at(first_choice(completion), "finish_reason") == FILTERED_FINISH_REASON:
                raise failures.withheld_by_filter(_handle(request))
            return read_chat_answer(completion, response.request_id)
        except MalformedAnswerError as error:
            raise failures.malformed_answer(_handle(request), str(error)) from None
        except APIStatusError as error:
            # Not chained: the SDK's own text, which a logged traceback would show, may quote key and content.
            raise self._error_of_answer(request, error) from None
        except APITimeoutError as error:
            raise failures.timed_out(_handle(request), seconds) from error
        except APIConnectionError as error:
            raise failures.unreachable(_handle(request), error.__cause__ or error) from error
        except OpenAIError as error:
            raise failures.not_sent(_handle(request), error) from error

    def _post(self, request: ModelRequest, seconds: float) -> "LegacyAPIResponse[ChatCompletion]":
        """Send the request and return the raw answer: the SDK's types drop what compatible servers add."""
        tokens = omit if request.max_tokens is None else request.max_tokens
        is_new_limit = takes_max_completion_tokens(str(self._client.base_url))
        return self._client.chat.completions.with_raw_response.create(
            model=request.model,
            messages=chat_messages(request.system, request.messages),
            tools=chat_tools(request.tools) or omit,
            max_completion_tokens=tokens if is_new_limit else omit,
            max_tokens=omit if is_new_limit else tokens,
            temperature=omit if request.temperature is None else request.temperature,
            timeout=Timeout(seconds, connect=min(seconds, CONNECT_TIMEOUT_SECONDS)),
        )

    def _error_of_answer(self, request: ModelRequest, error: APIStatusError) -> ModelCallError:
        headers = error.response.headers
        answer = failures.ErrorAnswer(
            status=error.status_code,
            text=shown_text(_words_of(error.body), (self._api_key, *texts_of(request))),
            codes=frozenset(code for code in (error.code, error.type) if isinstance(code, str)),
            retry_after_seconds=retry_after_seconds(headers, self._clock.now()),
            forbids_retry=headers.get("x-should-retry") == "false",
        )
        return failures.from_error_answer(_handle(request), answer)


def takes_max_completion_tokens(base_url: str) -> bool:
    """Tell whether the limit of an answer goes by its new name at this address, `max_tokens` elsewhere."""
    return (urlsplit(base_url).hostname or "").endswith(_HOSTS_OF_THE_NEW_LIMIT)


def _words_of(body: object) -> str:
    """Return the message in an error's body: OpenAI's `error.message`, FastAPI's `detail`, or plain text."""
    if isinstance(body, Mapping):
        words: Any = body.get("message") or body.get("detail") or body.get("error") or ""
        return str(words)
    return body if isinstance(body, str) else ""


def _handle(request: ModelRequest) -> str:
    return f"openai/{request.model}"
