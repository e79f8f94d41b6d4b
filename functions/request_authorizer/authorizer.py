"""Bearer token → tenant. Never denies: http_api answers 401 in the API's own words when no tenant is found.

API Gateway answers a denial with 403 and a missing identity source with a body of its own; the API promises
401 `{"detail": "Unauthorized"}` for both, so the decision is made here and the answer given there.
"""

import hmac
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from nightshift.clock import SystemClock
from nightshift.settings import read_seconds, read_text
from nightshift.storage.secrets import Secret
from nightshift.telemetry import log_keys, logger

if TYPE_CHECKING:
    from recent_pauses import RecentPauses

PAUSES_MAX_AGE = timedelta(seconds=15)
"""How late a pause of intake is noticed; what it saves is a read for every request."""

KEY_SEPARATOR = "#"
"""What ends the tenant in every stored key (storage/keys.py)."""


@cache
def _api_keys() -> Secret:
    return Secret(read_text("API_KEYS_SECRET_ARN"), read_seconds("SECRETS_MAX_AGE_SECONDS"))


@cache
def _pauses() -> "RecentPauses":
    from nightshift.storage import clients  # noqa: PLC0415 -- not before a tenant is found
    from nightshift.storage.dynamo import Dynamo  # noqa: PLC0415 -- as above
    from nightshift.storage.pauses import Pauses  # noqa: PLC0415 -- as above
    from recent_pauses import RecentPauses  # noqa: PLC0415 -- as above

    pauses = Pauses(Dynamo(clients.dynamodb()), read_text("AGENTS_TABLE"))
    return RecentPauses(pauses, SystemClock(), PAUSES_MAX_AGE)


def find_tenant(token: str, api_keys: Mapping[str, str | list[str]]) -> str | None:
    """Return the tenant that the token belongs to, comparing every key in constant time."""
    found = None
    for tenant, tokens in api_keys.items():
        for candidate in [tokens] if isinstance(tokens, str) else tokens:
            if candidate and hmac.compare_digest(candidate.encode(), token.encode()):
                found = tenant
    return found


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Return the request's tenant as the authorizer's context, empty when it has none."""
    # API Gateway writes names of headers in lower case, `sam local start-api` as they came.
    headers = {name.lower(): value for name, value in event.get("headers", {}).items()}
    scheme, _, token = headers.get("authorization", "").partition(" ")
    with log_keys(correlation_id=event["requestContext"]["requestId"]):
        is_bearer = scheme.lower() == "bearer" and token.strip()
        tenant = find_tenant(token.strip(), _api_keys().mapping()) if is_bearer else None
        if tenant is None:
            logger.info("request without a known token")
        elif KEY_SEPARATOR in tenant:
            logger.error("tenant refused: its name would mix its keys with another tenant's", tenant=tenant)
            tenant = None
        context = {"tenant": tenant or "", "intake": "paused" if tenant and _is_intake_paused(tenant) else "open"}
    return {"isAuthorized": True, "context": context}


def _is_intake_paused(tenant: str) -> bool:
    from nightshift.storage.pauses import Pausable  # noqa: PLC0415 -- not before a tenant is found

    return Pausable.INTAKE in _pauses().of(tenant)
