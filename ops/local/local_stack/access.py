"""How the stack is reached: provider settings go in, address and keys come out into ``stack.json``."""

import json
import os
import sys
from typing import Any

from local_stack.console import StackError
from local_stack.deployment import Outputs
from local_stack.settings import REGION, ROOT, Settings

PROVIDERS = ROOT / "layers" / "nightshift" / "nightshift" / "models" / "providers"
"""One file a provider, named like it; its settings are ``<PROVIDER>_BASE_URL`` and ``<PROVIDER>_API_KEY``."""

TENANT = "default"


def store_provider_settings(settings: Settings, outputs: Outputs) -> str:
    """Put the provider settings of the environment into their secret; without any, leave what is there.

    Returns:
        What was stored, for the person who reads: names only.
    """
    prefixes = sorted(path.stem.upper() for path in PROVIDERS.glob("[a-z]*.py"))
    names = [f"{prefix}_{what}" for prefix in prefixes for what in ("BASE_URL", "API_KEY")]
    found = {name: os.environ[name] for name in names if os.environ.get(name)}
    if not found:
        return "no provider settings in the environment, those stored before stay"
    settings.client("secretsmanager").put_secret_value(
        SecretId=_output(outputs, "ModelProvidersSecretArn"), SecretString=json.dumps(found)
    )
    return f"stored {', '.join(found)}"


def describe(settings: Settings, outputs: Outputs) -> dict[str, Any]:
    """Write ``stack.json``, readable by its owner only, and return what it says."""
    description = {
        "base_url": settings.endpoint_url,
        **read_keys(settings.client("secretsmanager"), outputs, TENANT),
        "aws_endpoint_url": settings.endpoint_url,
        "region": REGION,
        "outputs": outputs,
    }
    fresh = settings.description_file.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(description, file, indent=2)
        file.write("\n")
    fresh.replace(settings.description_file)
    return description


def read_keys(secrets: Any, outputs: Outputs, tenant: str) -> dict[str, str]:
    """Return a tenant's token and the secret with which it checks its callbacks.

    Args:
        secrets: a client of Secrets Manager, of the embedded AWS or a real one.

    Raises:
        StackError: the tenant has no token.
    """
    tokens = json.loads(_secret(secrets, _output(outputs, "ApiKeysSecretArn"))).get(tenant)
    token = tokens[0] if isinstance(tokens, list) and tokens else tokens
    if not isinstance(token, str):
        raise StackError(
            f"the secret of API keys has no token of tenant {tenant!r}: add one, or `make reset`, `make up`"
        )
    master = _secret(secrets, _output(outputs, "CallbackSigningSecretArn"))
    return {"api_key": token, "callback_secret": callback_secret_of_tenant(master, tenant)}


def callback_secret_of_tenant(master: str, tenant: str) -> str:
    """The ``whsec_`` secret with which a receiver checks the callbacks of one tenant."""
    sys.path.append(str(ROOT / "layers" / "nightshift"))
    from nightshift.delivery.signature import derive_secret  # noqa: PLC0415 -- found only from here on

    return derive_secret(master.encode(), tenant)


def _secret(secrets: Any, secret_id: str) -> str:
    value: str = secrets.get_secret_value(SecretId=secret_id)["SecretString"]
    return value


def _output(outputs: Outputs, name: str) -> str:
    if name not in outputs:
        raise StackError(f"template.yaml has no output {name}")
    return outputs[name]
