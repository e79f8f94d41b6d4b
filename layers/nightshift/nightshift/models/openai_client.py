"""The official OpenAI SDK behind our port: what its adapters share, whichever of its protocols they speak.

The SDK signs, sends and keeps the connections; retries are `models/retries.py`'s.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from openai import APIConnectionError, APIStatusError, APITimeoutError, OpenAI, OpenAIError, Timeout

from nightshift.clock import SystemClock
from nightshift.models import failures
from nightshift.models.answer_fields import MalformedAnswerError, parse_json_object
from nightshift.models.port import ModelAnswer, ModelRequest, ProviderSettings, RetryPolicy
from nightshift.models.provider import Provider
from nightshift.models.provider_call import ProviderCall, StatusAnswer

DEFAULT_BASE_URL = "https://api.openai.com/v1"

KEYLESS = "none"
"""Sent where no key is set: the SDK insists on one, a server without keys does not look."""

CONNECT_TIMEOUT_SECONDS = 5
"""The SDK's own default."""

_OWN_HOSTS: Final = ("api.openai.com", ".openai.azure.com")


class OpenAIClient:
    """One server, safe to use from many threads, as the SDK's client is; it keeps up to 100 connections open."""

    def __init__(self, provider: Provider, settings: ProviderSettings, policy: RetryPolicy) -> None:
        self.sdk = OpenAI(
            base_url=provider.address(settings) or DEFAULT_BASE_URL,
            api_key=settings.api_key or KEYLESS,
            timeout=policy.attempt_timeout_seconds,
            max_retries=0,
        )
        self.provider = provider
        self._call = ProviderCall(provider.name, settings.api_key or "", policy, SystemClock())

    @property
    def endpoint(self) -> str | None:
        # The step shows it to everybody who may read the run: without the password that a URL may hold.
        return str(self.sdk.base_url.copy_with(userinfo=b"")).rstrip("/")

    @property
    def is_openais_own(self) -> bool:
        """Tell whether OpenAI itself answers here, or Azure for it: they know and refuse other fields than the rest."""
        return is_openais_own(str(self.sdk.base_url))

    def complete(
        self,
        request: ModelRequest,
        post: Callable[[float], Any],
        read: Callable[[Mapping[str, Any], str | None], ModelAnswer],
    ) -> ModelAnswer:
        """Ask with retries.

        Args:
            post: sends the request with so many seconds left and returns the SDK's raw answer.
            read: translates its JSON and the request's id; raises MalformedAnswerError, or AnswerWithheldError.

        Raises:
            ModelCallError: see the port.
        """
        return self._call.repeat(request, lambda seconds: self._attempt(request, seconds, post, read))

    def _attempt(
        self,
        request: ModelRequest,
        seconds: float,
        post: Callable[[float], Any],
        read: Callable[[Mapping[str, Any], str | None], ModelAnswer],
    ) -> ModelAnswer:
        handle = self._call.handle(request)
        try:
            response = post(seconds)
            return read(parse_json_object(response.http_response.content), response.request_id)
        except failures.AnswerWithheldError:
            raise failures.withheld_by_filter(handle) from None
        except MalformedAnswerError as error:
            raise failures.malformed_answer(handle, str(error)) from None
        except APIStatusError as error:
            found = StatusAnswer(error.status_code, error.response.headers, error.body, (error.code, error.type))
            raise self._call.error_of(request, found) from None
        except APITimeoutError as error:
            raise failures.timed_out(handle, seconds) from error
        except APIConnectionError as error:
            raise failures.unreachable(handle, error.__cause__ or error) from error
        except OpenAIError as error:
            raise failures.not_sent(handle, error) from error


def timeout_of(seconds: float) -> Timeout:
    """Return the SDK's timeout for one attempt."""
    return Timeout(seconds, connect=min(seconds, CONNECT_TIMEOUT_SECONDS))


def is_openais_own(base_url: str) -> bool:
    """Tell whether OpenAI itself, or Azure for it, answers at this address."""
    return (urlsplit(base_url).hostname or "").endswith(_OWN_HOSTS)
