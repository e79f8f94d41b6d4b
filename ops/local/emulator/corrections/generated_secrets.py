"""A secret is generated as its template says, and ``Ref`` gives its ARN.

AWS: GenerateSecretString follows ExcludePunctuation and its siblings; ``Ref`` of a secret is its ARN, which policies
name as their resource.

Stock MiniStack: of GenerateSecretString only PasswordLength, ExcludeCharacters and the template are read, so a key
that is to be typed into a shell has quotes in it; ``Ref`` is the secret's name, so a policy for it matches nothing.
"""

import functools
import json
from typing import Any

from ministack.services import secretsmanager
from ministack.services.cloudformation import provisioners

from emulator.expectations import expect_parameters, expect_source
from emulator.provisioning import Properties

SECRET = "AWS::SecretsManager::Secret"  # noqa: S105 -- a type of resource


def apply() -> None:
    """Generate by the service's own GetRandomPassword, and make the ARN the physical id."""
    expect_source(provisioners._sm_secret_create, "secret_string = _sm_secret_string(props)")
    expect_source(provisioners._sm_secret_update, "_sm_secret_string(new_props)")
    expect_source(secretsmanager._get_random_password, '"ExcludePunctuation"', '"RequireEachIncludedType"')
    provisioners._sm_secret_string = _secret_string
    _identify_by_arn(provisioners._RESOURCE_HANDLERS[SECRET])


def _secret_string(props: Properties) -> str:
    generate = props.get("GenerateSecretString")
    if props.get("SecretString") or not generate:
        return str(props.get("SecretString", ""))
    password = _random_password(generate)
    if "SecretStringTemplate" not in generate:
        return password
    return json.dumps({**json.loads(generate["SecretStringTemplate"]), generate["GenerateStringKey"]: password})


def _random_password(options: Properties) -> str:
    options = {name: _typed(value) for name, value in options.items()}
    status, _, body = secretsmanager._get_random_password(options)
    answer = json.loads(body)
    if status >= 400:
        raise ValueError(f"GenerateSecretString: {answer.get('message') or answer}")
    return str(answer["RandomPassword"])


def _typed(value: Any) -> Any:
    """A number or flag that reached the template as text."""
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    return int(value) if isinstance(value, str) and value.isdigit() else value


def _identify_by_arn(handler: dict[str, Any]) -> None:
    create, update, delete = handler["create"], handler["update"], handler["delete"]
    expect_parameters(create, "logical_id", "props", "stack_name")
    expect_parameters(update, "physical_id", "old_props", "new_props", "stack_name", "logical_id")
    expect_parameters(delete, "physical_id", "props")

    @functools.wraps(create)
    def create_with_arn(logical_id: str, props: Properties, stack_name: str) -> Any:
        _, attributes = create(logical_id, props, stack_name)
        return attributes["Arn"], attributes

    @functools.wraps(update)
    def update_by_arn(physical_id: str, *properties: Any) -> Any:
        _, attributes = update(_name_of(physical_id), *properties)
        return attributes["Arn"], attributes

    @functools.wraps(delete)
    def delete_by_arn(physical_id: str, props: Properties) -> None:
        delete(_name_of(physical_id), props)

    handler.update(create=create_with_arn, update=update_by_arn, delete=delete_by_arn)


def _name_of(physical_id: str) -> str:
    for name, secret in secretsmanager._secrets.items():
        if secret["ARN"] == physical_id:
            return str(name)
    return physical_id
