"""The adapter for Amazon Bedrock by the Converse API, which speaks to every model there with the same words.

With `storage/` the only home of boto3. Signs in as the function's role, or with a Bedrock API key when there is one.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from boto3.session import Session
from botocore import UNSIGNED, exceptions
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.parsers import ResponseParserError

from nightshift.clock import Clock, SystemClock
from nightshift.domain.errors import ModelCallError
from nightshift.models import failures
from nightshift.models.answer_fields import MalformedAnswerError
from nightshift.models.converse_answer import read_converse_answer
from nightshift.models.converse_request import converse_request, maker_of
from nightshift.models.error_answer import retry_after_seconds, shown_text, texts_of
from nightshift.models.port import ModelAnswer, ModelRequest, ProviderSettings, RetryPolicy
from nightshift.models.provider import Provider
from nightshift.models.retries import call_with_retries

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient

CONNECT_TIMEOUT_SECONDS = 5
"""To reach a regional endpoint takes milliseconds; what takes longer does not come."""

MAX_CONNECTIONS = 50
"""An invocation works on up to ten conversations at once; calls given up hold theirs a while longer."""

_CONNECTION_ERRORS: Final = (exceptions.HTTPClientError, exceptions.ConnectionError, exceptions.IncompleteReadError)
_CREDENTIAL_ERRORS: Final = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.NoAuthTokenError,
    exceptions.TokenRetrievalError,
)


def connect(_provider: Provider, settings: ProviderSettings, policy: RetryPolicy) -> "BedrockModel":
    """Make the adapter; opens no connection yet."""
    return BedrockModel(_client(settings, policy), settings, policy, SystemClock())


class BedrockModel:
    """Bedrock in one region; safe to use from many threads, as a botocore client is."""

    def __init__(
        self,
        client: "BedrockRuntimeClient",
        settings: ProviderSettings,
        policy: RetryPolicy,
        clock: Clock,
    ) -> None:
        self._client = client
        self._api_key = settings.api_key or ""
        self._policy = policy
        self._clock = clock

    @property
    def endpoint(self) -> str | None:
        return self._client.meta.endpoint_url

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
            response = self._converse(request)
            return read_converse_answer(response, maker_of(request.model))
        except failures.AnswerWithheldError:
            raise failures.withheld_by_filter(_handle(request)) from None
        except exceptions.ClientError as error:
            # Not chained: botocore's own text, which a logged traceback would show, may quote key and content.
            raise self._error_of_answer(request, error.response) from None
        except MalformedAnswerError as error:
            raise failures.malformed_answer(_handle(request), str(error)) from None
        except exceptions.BotoCoreError as error:
            raise _error_without_answer(request, error, seconds) from None

    def _converse(self, request: ModelRequest) -> Mapping[str, Any]:
        body = converse_request(request)
        try:
            return self._client.converse(**body)
        except (ResponseParserError, AttributeError, KeyError, TypeError, ValueError) as error:
            # botocore's parser trusts the types of an answer and breaks in many ways; its words may quote the body.
            raise MalformedAnswerError(f"botocore could not parse it ({type(error).__name__})") from None

    def _error_of_answer(self, request: ModelRequest, response: Mapping[str, Any]) -> ModelCallError:
        metadata, error = response.get("ResponseMetadata", {}), response.get("Error", {})
        headers = metadata.get("HTTPHeaders", {})
        answer = failures.ErrorAnswer(
            status=metadata.get("HTTPStatusCode", 500),
            text=shown_text(f"{error.get('Code')}: {error.get('Message')}", (self._api_key, *texts_of(request))),
            codes=frozenset({str(error.get("Code"))}),
            retry_after_seconds=retry_after_seconds(headers, self._clock.now()),
        )
        return failures.from_error_answer(_handle(request), answer)


def _client(settings: ProviderSettings, policy: RetryPolicy) -> "BedrockRuntimeClient":
    # A session of its own: boto3's default session is not safe while another thread makes a client from it.
    client = Session().client(
        "bedrock-runtime",
        endpoint_url=settings.base_url,
        config=Config(
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=policy.attempt_timeout_seconds,
            max_pool_connections=MAX_CONNECTIONS,
            # A model may think for minutes without a byte; NAT forgets silent connections sooner.
            tcp_keepalive=True,
            # models/retries.py repeats: botocore can't see the deadline.
            retries={"mode": "standard", "total_max_attempts": 1},
            signature_version=UNSIGNED if settings.api_key else None,
        ),
    )
    client.meta.events.register("before-parse.bedrock-runtime.Converse", _require_whole_body)
    if settings.api_key:
        _sign_in_with(settings.api_key, client)
    return client


def _require_whole_body(response_dict: Mapping[str, Any], **_: object) -> None:
    """Raise when the connection broke within the body: botocore takes what came, and calls it an empty answer."""
    promised = response_dict["headers"].get("content-length", "")
    received = len(response_dict["body"])
    if promised.isdigit() and received < int(promised):
        raise exceptions.IncompleteReadError(actual_bytes=received, expected_bytes=int(promised))


def _sign_in_with(api_key: str, client: "BedrockRuntimeClient") -> None:
    """Send a Bedrock API key with every call; boto3 itself takes one only from the process's environment."""

    def add_key(request: AWSRequest, **_: object) -> None:
        request.headers["Authorization"] = f"Bearer {api_key}"

    client.meta.events.register("request-created.bedrock-runtime", add_key)


def _error_without_answer(request: ModelRequest, error: exceptions.BotoCoreError, seconds: float) -> ModelCallError:
    if isinstance(error, exceptions.ReadTimeoutError):
        return failures.timed_out(_handle(request), seconds)
    if isinstance(error, _CONNECTION_ERRORS):
        return failures.unreachable(_handle(request), error)
    if isinstance(error, _CREDENTIAL_ERRORS):
        return failures.not_signed_in(_handle(request), error)
    return failures.not_sent(_handle(request), error)


def _handle(request: ModelRequest) -> str:
    return f"bedrock/{request.model}"
