"""What every adapter does when its provider fails: which error, repeated how often, and never past the deadline."""

import time
import traceback
from dataclasses import replace

import pytest

from models.adapters import Adapter
from models.builders import QUICK, user
from nightshift.domain.content import TextPart
from nightshift.domain.errors import ModelCallError
from nightshift.domain.stop_reason import StopReason
from nightshift.models.failures import TransientModelCallError
from support.scripted_model.answers import Drop, ErrorReply, RawReply, Reply
from support.scripted_model.rules import echo_history
from support.scripted_model.server import ScriptedModel

FAR_LESS_THAN_WITHOUT_DEADLINE_SECONDS = 10
"""Where a deadline of a second at most is held on a busy machine; without one it is far more."""


def _failure(adapter: Adapter, scripted: ScriptedModel, **fields: object) -> ModelCallError:
    with pytest.raises(ModelCallError) as raised:
        adapter.ask(scripted, **fields)
    return raised.value


@pytest.mark.parametrize(
    ("status", "error_type"),
    [
        (400, "LLMBadRequestError"),
        (401, "LLMAuthenticationError"),
        (402, "LLMInsufficientCreditsError"),
        (403, "LLMPermissionDeniedError"),
        (404, "LLMNotFoundError"),
        (413, "LLMContextWindowExceededError"),
        (422, "LLMUnprocessableEntityError"),
    ],
)
def test_lasting_failure_is_not_repeated(adapter: Adapter, status: int, error_type: str) -> None:
    with ScriptedModel(ErrorReply(status, "no"), rule=echo_history) as scripted:
        error = _failure(adapter, scripted)
        assert len(scripted.requests) == 1
    assert error.error_type == error_type
    assert not isinstance(error, TransientModelCallError)
    assert str(error).startswith(f"{adapter.handle} answered {status}: ")


@pytest.mark.parametrize(
    ("status", "error_type"),
    [
        (408, "LLMTimeoutError"),
        (409, "LLMConflictError"),
        (429, "LLMRateLimitError"),
        (500, "LLMServerError"),
        (502, "LLMServerError"),
        (503, "LLMServerError"),
        (529, "LLMServerError"),
    ],
)
class TestPassingFailure:
    def test_is_repeated_until_it_passes(self, adapter: Adapter, status: int, error_type: str) -> None:
        with ScriptedModel(ErrorReply(status), ErrorReply(status), Reply("at last")) as scripted:
            answer = adapter.ask(scripted)
            assert len(scripted.requests) == 3
        assert [part.type for part in answer.content] == ["text"]

    def test_that_does_not_pass_is_raised_after_the_last_attempt(
        self, adapter: Adapter, status: int, error_type: str
    ) -> None:
        with ScriptedModel(*[ErrorReply(status, "not now")] * 9) as scripted:
            error = _failure(adapter, scripted)
            assert len(scripted.requests) == QUICK.max_attempts
        assert error.error_type == error_type
        assert error.stop_reason is StopReason.LLM_API_ERROR
        assert "not now" in str(error)


@pytest.mark.parametrize("drop", [Drop(), Drop(sent_bytes=20)])
def test_dropped_connection_is_repeated(adapter: Adapter, drop: Drop) -> None:
    with ScriptedModel(drop, drop, Reply("at last")) as scripted:
        assert adapter.ask(scripted).content
        assert len(scripted.requests) == 3


def test_connection_that_is_always_dropped_is_a_connection_error(adapter: Adapter) -> None:
    with ScriptedModel(*[Drop()] * 9) as scripted:
        error = _failure(adapter, scripted)
        assert len(scripted.requests) == QUICK.max_attempts
    assert error.error_type == "LLMConnectionError"
    assert "base URL" in str(error)


def test_server_that_is_not_there_is_a_connection_error(adapter: Adapter) -> None:
    with ScriptedModel() as scripted:
        model = adapter.connect(scripted)
    with pytest.raises(ModelCallError) as raised:
        model.complete(adapter.request())
    assert raised.value.error_type == "LLMConnectionError"


def test_no_credit_has_its_own_stop_reason(adapter: Adapter) -> None:
    with ScriptedModel(ErrorReply(402, "top up")) as scripted:
        assert _failure(adapter, scripted).stop_reason is StopReason.INSUFFICIENT_CREDITS


@pytest.mark.parametrize(
    "words",
    [
        "Input is too long for requested model.",
        "prompt is too long: 210000 tokens > 200000 maximum",
        "This model's maximum context length is 8192 tokens.",
        "the request exceeds the available context size, try increasing it",
    ],
)
def test_request_over_the_context_window_is_told_by_its_words(adapter: Adapter, words: str) -> None:
    with ScriptedModel(ErrorReply(400, words)) as scripted:
        assert _failure(adapter, scripted).error_type == "LLMContextWindowExceededError"


def test_wait_that_the_provider_asks_for_is_kept(adapter: Adapter) -> None:
    slow_down = ErrorReply(429, headers={"Retry-After": "0.15"})
    with ScriptedModel(slow_down, Reply("at last")) as scripted:
        started = time.monotonic()
        adapter.ask(scripted)
        assert time.monotonic() - started >= 0.15


def test_long_wait_is_left_to_the_caller(adapter: Adapter) -> None:
    with ScriptedModel(ErrorReply(429, headers={"Retry-After": "3600"}), rule=echo_history) as scripted:
        error = _failure(adapter, scripted)
        assert len(scripted.requests) == 1
    assert error.retry_after_seconds == 3600


@pytest.mark.parametrize("answer", [Reply("late", delay_seconds=30), Reply("drip", byte_interval_seconds=0.02)])
def test_deadline_bounds_a_server_that_is_silent_or_trickles(adapter: Adapter, answer: Reply) -> None:
    with ScriptedModel(*[answer] * 9) as scripted:
        started = time.monotonic()
        error = _failure(adapter, scripted, timeout_seconds=0.4)
        assert time.monotonic() - started < FAR_LESS_THAN_WITHOUT_DEADLINE_SECONDS
    assert error.error_type == "LLMTimeoutError"


def test_deadline_bounds_all_attempts_together(adapter: Adapter) -> None:
    patient = replace(QUICK, max_attempts=1000, max_wait_seconds=0.05)
    with ScriptedModel(Reply("now it is connected"), rule=lambda _: ErrorReply(503, delay_seconds=0.02)) as scripted:
        model = adapter.connect(scripted, patient)
        model.complete(adapter.request())
        started = time.monotonic()
        with pytest.raises(ModelCallError):
            model.complete(adapter.request(timeout_seconds=1))
        assert time.monotonic() - started < FAR_LESS_THAN_WITHOUT_DEADLINE_SECONDS
        assert len(scripted.requests) > 3


def test_attempt_that_takes_too_long_is_repeated(adapter: Adapter) -> None:
    hasty = replace(QUICK, attempt_timeout_seconds=0.5, max_attempts=20)
    with ScriptedModel(Reply("late", delay_seconds=30), rule=lambda _: Reply("in time")) as scripted:
        answer = adapter.connect(scripted, hasty).complete(adapter.request(timeout_seconds=20))
        assert answer.content == (TextPart("in time"),)
        assert len(scripted.requests) >= 2


@pytest.mark.parametrize(
    "body",
    [
        "this is no JSON",
        '"text"',
        "[]",
        '{"choices": "none", "output": "none", "content": "none"}',
        '{"choices": [], "output": null, "content": null}',
        "",
    ],
)
def test_body_that_is_no_answer_is_an_invalid_response(adapter: Adapter, body: str) -> None:
    with ScriptedModel(RawReply(body), rule=echo_history) as scripted:
        error = _failure(adapter, scripted)
        assert len(scripted.requests) == 1
    assert error.stop_reason is StopReason.INVALID_LLM_RESPONSE
    assert "this is no JSON" not in str(error)


def test_page_in_the_place_of_an_answer_is_an_invalid_response(adapter: Adapter) -> None:
    with ScriptedModel(RawReply("<html>welcome</html>", content_type="text/html")) as scripted:
        assert _failure(adapter, scripted).stop_reason is StopReason.INVALID_LLM_RESPONSE


def test_answer_cut_by_a_content_filter_does_not_pass_for_the_whole(adapter: Adapter) -> None:
    with ScriptedModel(Reply("half of i", finish="filtered"), rule=echo_history) as scripted:
        error = _failure(adapter, scripted)
        assert len(scripted.requests) == 1
    assert error.error_type == "LLMContentFilteredError"


def test_error_text_holds_neither_key_nor_content(adapter: Adapter) -> None:
    key, content = "key-nobody-may-see", "the user's own words"
    with ScriptedModel(ErrorReply(403, f"wrong key {key} for: {content}")) as scripted:
        model = adapter.connect(scripted, api_key=key)
        with pytest.raises(ModelCallError) as raised:
            model.complete(adapter.request(user(content)))
    assert "wrong key [withheld] for: [withheld]" in str(raised.value)
    logged = "".join(traceback.format_exception(raised.value))
    assert key not in logged
    assert content not in logged


def test_error_that_is_a_page_is_shortened(adapter: Adapter) -> None:
    with ScriptedModel(RawReply("<p>gateway</p>" * 500, status=404, content_type="text/html")) as scripted:
        error = _failure(adapter, scripted)
    assert error.error_type == "LLMNotFoundError"
    assert len(str(error)) < 800
