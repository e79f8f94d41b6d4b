"""The adapter for Anthropic's Messages API, at Anthropic or at any server that speaks it.

The official SDK signs, sends and keeps the connections; retries are `models/retries.py`'s.
"""

from typing import TYPE_CHECKING, Any

from anthropic import Anthropic, AnthropicError, APIConnectionError, APIStatusError, APITimeoutError, Timeout

from nightshift.clock import SystemClock
from nightshift.models import failures
from nightshift.models.answer_fields import MalformedAnswerError, parse_json_object
from nightshift.models.anthropic_answer import read_anthropic_answer
from nightshift.models.anthropic_request import anthropic_request
from nightshift.models.port import ModelAnswer, ModelRequest, ProviderSettings, RetryPolicy
from nightshift.models.provider import Provider
from nightshift.models.provider_call import ProviderCall, StatusAnswer

if TYPE_CHECKING:
    from anthropic._legacy_response import LegacyAPIResponse
    from anthropic.types import Message

DEFAULT_BASE_URL = "https://api.anthropic.com"

KEYLESS = "none"
"""Sent where no key is set: without one the SDK looks for credentials in the process's environment and home."""

CONNECT_TIMEOUT_SECONDS = 5
"""The SDK's own default."""


def connect(provider: Provider, settings: ProviderSettings, policy: RetryPolicy) -> "AnthropicModel":
    """Make the adapter; opens no connection yet. The SDK keeps up to 100 of them open."""
    sdk = Anthropic(
        base_url=provider.address(settings) or DEFAULT_BASE_URL,
        api_key=settings.api_key or KEYLESS,
        timeout=policy.attempt_timeout_seconds,
        max_retries=0,
    )
    return AnthropicModel(sdk, ProviderCall(provider.name, settings.api_key or "", policy, SystemClock()))


class AnthropicModel:
    """One server that speaks Messages; safe to use from many threads, as the SDK's client is."""

    def __init__(self, sdk: Anthropic, call: ProviderCall) -> None:
        self._sdk = sdk
        self._call = call

    @property
    def endpoint(self) -> str | None:
        return str(self._sdk.base_url.copy_with(userinfo=b"")).rstrip("/")

    def complete(self, request: ModelRequest) -> ModelAnswer:
        """Ask the model once; see the port."""
        return self._call.repeat(request, lambda seconds: self._attempt(request, seconds))

    def _attempt(self, request: ModelRequest, seconds: float) -> ModelAnswer:
        handle = self._call.handle(request)
        try:
            response = self._post(request, seconds)
            message = parse_json_object(response.http_response.content)
            return read_anthropic_answer(message, response.http_response.headers.get("request-id"), self._call.provider)
        except failures.AnswerWithheldError:
            raise failures.withheld_by_filter(handle) from None
        except MalformedAnswerError as error:
            raise failures.malformed_answer(handle, str(error)) from None
        except APIStatusError as error:
            found = StatusAnswer(error.status_code, error.response.headers, error.body, (error.type,))
            raise self._call.error_of(request, found) from None
        except APITimeoutError as error:
            raise failures.timed_out(handle, seconds) from error
        except APIConnectionError as error:
            raise failures.unreachable(handle, error.__cause__ or error) from error
        except AnthropicError as error:
            raise failures.not_sent(handle, error) from error

    def _post(self, request: ModelRequest, seconds: float) -> "LegacyAPIResponse[Message]":
        """Send the request and return the raw answer, which is read with the same care for every provider."""
        body: dict[str, Any] = anthropic_request(request, self._call.provider)
        timeout = Timeout(seconds, connect=min(seconds, CONNECT_TIMEOUT_SECONDS))
        return self._sdk.messages.with_raw_response.create(**body, timeout=timeout)
