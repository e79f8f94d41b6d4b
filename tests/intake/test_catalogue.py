"""What there is to choose from: models, tags (letta_api_spec §5.1, §5.3)."""

from intake.deployment import Deployment


def test_models_are_those_of_the_providers_there_are(deployment: Deployment) -> None:
    client = deployment.sdk()
    models = client.models.list()
    assert {model.provider_type for model in models} == {"bedrock", "openai"}
    assert all(model.handle == f"{model.provider_type}/{model.model}" for model in models)
    assert {model.provider_name for model in client.models.list(provider_name="openai")} == {"openai"}
    assert {model.provider_type for model in client.models.list(provider_type="bedrock")} == {"bedrock"}
    assert client.models.list(provider_type="anthropic") == []
    assert client.models.list(provider_category=["byok"]) == []
    assert client.models.embeddings.list() == []
    assert deployment.create_agent(model=models[0].handle).model == models[0].handle


def test_tags_are_those_of_the_agents(deployment: Deployment) -> None:
    client = deployment.sdk()
    deployment.create_agent(tags=["night", "parcels"])
    deployment.create_agent(tags=["day", "parcels"])
    deployment.stranger.create_agent(tags=["secret"])
    assert client.tags.list() == ["day", "night", "parcels"]
    assert client.tags.list(order="desc", limit=2) == ["parcels", "night"]
    assert client.tags.list(after="day") == ["night", "parcels"]
    assert client.tags.list(query_text="IGH") == ["night"]
