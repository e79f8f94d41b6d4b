"""What there is to choose from: models, tags (letta_api_spec §5.1, §5.3)."""

import pytest

from intake.deployment import Deployment
from nightshift.models.registry import provider_names


def test_models_are_those_of_the_providers_there_are(deployment: Deployment) -> None:
    client = deployment.sdk()
    models = client.models.list()
    assert {model.provider_type for model in models} >= {"anthropic", "bedrock", "openai"}
    assert all(model.handle == f"{model.provider_name}/{model.model}" for model in models)
    assert {model.provider_name for model in client.models.list(provider_name="openai")} == {"openai"}
    assert {model.provider_type for model in client.models.list(provider_type="bedrock")} == {"bedrock"}
    assert {model.provider_name for model in client.models.list(provider_type="openai")} == {
        "openai",
        "openai-responses",
    }
    assert client.models.list(provider_type="vllm") == []
    assert client.models.list(provider_category=["byok"]) == []
    assert client.models.embeddings.list() == []
    assert deployment.create_agent(model=models[0].handle).model == models[0].handle


@pytest.mark.parametrize("provider", provider_names())
def test_agent_of_any_provider_is_one_that_the_sdk_takes(provider: str, deployment: Deployment) -> None:
    agent = deployment.create_agent(model=f"{provider}/some-model")
    assert agent.model == f"{provider}/some-model"
    assert agent.llm_config.handle == agent.model


def test_tags_are_those_of_the_agents(deployment: Deployment) -> None:
    client = deployment.sdk()
    deployment.create_agent(tags=["night", "parcels"])
    deployment.create_agent(tags=["day", "parcels"])
    deployment.stranger.create_agent(tags=["secret"])
    assert client.tags.list() == ["day", "night", "parcels"]
    assert client.tags.list(order="desc", limit=2) == ["parcels", "night"]
    assert client.tags.list(after="day") == ["night", "parcels"]
    assert client.tags.list(query_text="IGH") == ["night"]
