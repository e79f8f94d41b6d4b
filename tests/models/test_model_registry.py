"""The registry: one adapter per provider and settings, whoever asks, and no SDK before it is needed."""

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from models.builders import request
from nightshift.domain.errors import ModelCallError, NotFoundError
from nightshift.domain.message import TextPart
from nightshift.models import providers
from nightshift.models.handles import parse_handle
from nightshift.models.port import Model, ProviderSettings, RetryPolicy
from nightshift.models.registry import find_provider, model_for, provider_names
from support.scripted_model.answers import Reply
from support.scripted_model.server import ScriptedModel

_SDKS = ("anthropic", "boto3", "botocore", "httpx", "httpx2", "openai", "pydantic", "tenacity")


def _loaded_after(statement: str) -> set[str]:
    """Return which SDKs a fresh interpreter has loaded after the statement."""
    program = f"import json, sys; {statement}; print(json.dumps(list(sys.modules)))"
    command = [sys.executable, "-c", program]
    paths = {"PYTHONPATH": ":".join(filter(None, sys.path)), "AWS_DEFAULT_REGION": "eu-central-1"}
    finished = subprocess.run(command, check=True, capture_output=True, text=True, env=paths)  # noqa: S603 -- our own code
    return set(json.loads(finished.stdout)) & set(_SDKS)


def test_checking_handles_loads_no_sdk() -> None:
    assert _loaded_after("import nightshift.models.handles, nightshift.models.registry") == set()


@pytest.mark.parametrize(
    ("provider", "foreign"),
    [("openai", "boto3"), ("bedrock", "openai"), ("anthropic", "openai"), ("openai", "anthropic")],
)
def test_provider_loads_its_own_sdk_alone(provider: str, foreign: str) -> None:
    loaded = _loaded_after(
        "from nightshift.models.port import ProviderSettings as S; "
        f"from nightshift.models.registry import model_for; model_for({provider!r}, S('http://127.0.0.1:9', 'key'))"
    )
    assert foreign not in loaded


def test_unknown_provider_is_not_found() -> None:
    with pytest.raises(NotFoundError, match="acme"):
        model_for("acme", ProviderSettings())


@pytest.mark.parametrize("provider", provider_names())
def test_ten_threads_share_one_adapter(provider: str) -> None:
    start = threading.Barrier(10)
    settings = ProviderSettings("http://127.0.0.1:9", f"key-of-{provider}-shared-by-ten")

    def ask(_: int) -> Model:
        start.wait(5)
        return model_for(provider, settings)

    with ThreadPoolExecutor(10) as threads:
        adapters = set(map(id, threads.map(ask, range(10))))
    assert len(adapters) == 1


def test_other_settings_or_policy_get_another_adapter() -> None:
    first = model_for("openai", ProviderSettings("http://127.0.0.1:9", "one"))
    assert model_for("openai", ProviderSettings("http://127.0.0.1:9", "two")) is not first
    assert model_for("openai", ProviderSettings("http://127.0.0.1:9", "one"), RetryPolicy(max_attempts=1)) is not first


def test_settings_do_not_show_their_key() -> None:
    assert "sesame" not in repr(ProviderSettings(api_key="sesame"))


@pytest.mark.parametrize(
    ("provider", "endpoint"),
    [
        ("anthropic", "https://api.anthropic.com"),
        ("bedrock", "https://bedrock-runtime.eu-central-1.amazonaws.com"),
        ("openai", "https://api.openai.com/v1"),
        ("openai-responses", "https://api.openai.com/v1"),
        ("openrouter", "https://openrouter.ai/api/v1"),
    ],
)
def test_without_base_url_calls_go_to_the_providers_own_address(provider: str, endpoint: str) -> None:
    assert model_for(provider, ProviderSettings()).endpoint == endpoint


def test_endpoint_does_not_show_a_password() -> None:
    settings = ProviderSettings("http://somebody:sesame@127.0.0.1:9/v1")
    assert model_for("openai", settings).endpoint == "http://127.0.0.1:9/v1"


@pytest.mark.parametrize("name", provider_names())
def test_file_is_named_like_its_provider(name: str) -> None:
    provider = find_provider(name)
    assert provider.name == name
    assert provider.keys_prefix.replace("_", "").isalnum()


@pytest.mark.parametrize("name", ["vllm", "sglang", "ollama", "lmstudio", "llamacpp"])
def test_server_of_ones_own_is_placed_by_its_settings(name: str) -> None:
    with pytest.raises(ModelCallError, match=f"{name.upper()}_BASE_URL"):
        model_for(name, ProviderSettings())
    assert model_for(name, ProviderSettings("http://127.0.0.1:9/v1")).endpoint == "http://127.0.0.1:9/v1"


def test_new_provider_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    described = 'from nightshift.models.provider import Provider\nPROVIDER = Provider("acme-cloud", base_url="%s")\n'
    with ScriptedModel(Reply("hello from acme")) as scripted:
        (tmp_path / "acme_cloud.py").write_text(described % scripted.openai_base_url)
        monkeypatch.setattr(providers, "__path__", [*providers.__path__, str(tmp_path)])
        answer = model_for(parse_handle("acme-cloud/one").provider, ProviderSettings()).complete(request(model="one"))
    assert answer.content == (TextPart("hello from acme"),)


OWN_PROTOCOL = """
from nightshift.domain.message import TextPart, Usage
from nightshift.models.port import Finish, ModelAnswer
from nightshift.models.provider import Provider

PROVIDER = Provider("parrot", adapter=__name__, base_url="parrot://cage")


def connect(provider, settings, policy):
    return Parrot(provider.address(settings))


class Parrot:
    def __init__(self, endpoint):
        self.endpoint = endpoint

    def complete(self, request):
        return ModelAnswer((TextPart(request.messages[-1].draft.text),), (), Finish.STOP, Usage())
"""


def test_new_provider_with_a_protocol_of_its_own_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "parrot.py").write_text(OWN_PROTOCOL)
    monkeypatch.setattr(providers, "__path__", [*providers.__path__, str(tmp_path)])
    model = model_for("parrot", ProviderSettings())
    assert model.endpoint == "parrot://cage"
    assert model.complete(request()).content == (TextPart("hello"),)
