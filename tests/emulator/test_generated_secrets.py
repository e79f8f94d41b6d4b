"""Probes generated_secrets: what GenerateSecretString makes, and what Ref of a secret is."""

import json

from embedded_aws import EmbeddedAws

CORRECTION = "generated_secrets"
GENERATE = {
    "SecretStringTemplate": "{}",
    "GenerateStringKey": "default",
    "PasswordLength": 200,
    "ExcludePunctuation": True,
}


def test_excluded_punctuation_is_not_in_the_secret(aws: EmbeddedAws, stack_name: str) -> None:
    secret_id = aws.deploy(stack_name, {"Secret": secret()})["Secret"]
    value = aws.client("secretsmanager").get_secret_value(SecretId=secret_id)["SecretString"]
    password = json.loads(value)["default"]
    assert len(password) == 200
    assert password.isalnum()


def test_ref_of_a_secret_is_its_arn(aws: EmbeddedAws, stack_name: str) -> None:
    assert aws.deploy(stack_name, {"Secret": secret()})["Secret"].startswith("arn:aws:secretsmanager:")


def secret() -> dict[str, object]:
    return {"Type": "AWS::SecretsManager::Secret", "Properties": {"GenerateSecretString": GENERATE}}
