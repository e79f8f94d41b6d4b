"""All adapters against the scripted model, over real HTTP."""

import pytest

from models.adapters import PROVIDERS, Adapter


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give boto3 a region and credentials that open nothing, and keep proxies out of the way to 127.0.0.1."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture(params=PROVIDERS)
def adapter(request: pytest.FixtureRequest) -> Adapter:
    """Run the test once for each provider."""
    return Adapter(request.param)


@pytest.fixture
def bedrock() -> Adapter:
    return Adapter("bedrock")


@pytest.fixture
def openai() -> Adapter:
    return Adapter("openai")


@pytest.fixture
def anthropic() -> Adapter:
    return Adapter("anthropic")


@pytest.fixture
def responses() -> Adapter:
    return Adapter("openai-responses")


@pytest.fixture
def sglang() -> Adapter:
    return Adapter("sglang")
