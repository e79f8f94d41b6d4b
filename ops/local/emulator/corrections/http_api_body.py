"""The OpenAPI ``Body`` of an HTTP API is imported.

AWS: ``AWS::Serverless::HttpApi`` expands to ``AWS::ApiGatewayV2::Api`` with a ``Body``; its paths become routes and
integrations, its security schemes authorizers, and CORS and stage settings apply.

Stock MiniStack: ``Body`` is ignored, so every route answers 404; CORS and stage settings are stored under their
template spelling (``AllowOrigins``) and never found.
"""

import json
from typing import Any

from ministack.services import apigateway

from emulator.expectations import expect_parameters, expect_source
from emulator.provisioning import Properties, after_provisioning

INTEGRATION_TIMEOUT_MS = 30_000
"""The default and maximum of an HTTP API's integration."""

AUTHORIZER_TTL_SECONDS = 300
"""AWS's default for an authorizer that names identity sources; without any there is no cache."""


def apply() -> None:
    """Import the body after every create and update of an HTTP API, and spell stage settings as the API does."""
    for create in (apigateway._create_authorizer, apigateway._create_integration, apigateway._create_route):
        expect_parameters(create, "api_id", "data")
    expect_source(apigateway._handle_execute_in_scope, 'api.get("corsConfiguration")', 'auth_type == "CUSTOM"')
    after_provisioning("AWS::ApiGatewayV2::Api", _import_body)
    after_provisioning("AWS::ApiGatewayV2::Stage", _spell_stage_settings)


def _import_body(api_id: str, props: Properties) -> None:
    body = props.get("Body") or {}
    cors = props.get("CorsConfiguration") or body.get("x-amazon-apigateway-cors")
    if cors:
        apigateway._apis[api_id]["corsConfiguration"] = _camel_case(cors)
    if not body:
        return
    stores = (apigateway._routes, apigateway._integrations, apigateway._authorizers)
    replaced = [(store, list(store.get(api_id, {}))) for store in stores]
    authorizers = _import_authorizers(api_id, body)
    _import_routes(api_id, body, authorizers)
    # The old routes go last: a request during a deployment finds the old route or the new one, never none.
    for store, old_ids in replaced:
        for old_id in old_ids:
            store[api_id].pop(old_id, None)


def _import_authorizers(api_id: str, body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Create the authorizers of the security schemes; return them by scheme name."""
    schemes = (body.get("components") or {}).get("securitySchemes") or {}
    return {
        name: _created(apigateway._create_authorizer(api_id, _authorizer(name, declared)))
        for name, scheme in schemes.items()
        if (declared := scheme.get("x-amazon-apigateway-authorizer"))
    }


def _authorizer(name: str, declared: dict[str, Any]) -> dict[str, Any]:
    identity_source = declared.get("identitySource") or []
    if isinstance(identity_source, str):
        identity_source = [source.strip() for source in identity_source.split(",")]
    return {
        "name": name,
        "authorizerType": "REQUEST" if declared["type"] == "request" else "JWT",
        "identitySource": identity_source,
        "authorizerUri": declared.get("authorizerUri", ""),
        "authorizerCredentialsArn": declared.get("authorizerCredentials", ""),
        "authorizerPayloadFormatVersion": str(declared.get("authorizerPayloadFormatVersion", "2.0")),
        "authorizerResultTtlInSeconds": int(
            declared.get("authorizerResultTtlInSeconds", AUTHORIZER_TTL_SECONDS if identity_source else 0)
        ),
        "enableSimpleResponses": bool(declared.get("enableSimpleResponses", False)),
        "jwtConfiguration": declared.get("jwtConfiguration", {}),
    }


def _import_routes(api_id: str, body: dict[str, Any], authorizers: dict[str, dict[str, Any]]) -> None:
    """Create one route per path and method; equal integrations are shared."""
    integration_ids: dict[str, str] = {}
    for path, operations in (body.get("paths") or {}).items():
        for verb, operation in operations.items():
            declared = operation.get("x-amazon-apigateway-integration")
            if declared is None:
                continue
            key = json.dumps(declared, sort_keys=True)
            if key not in integration_ids:
                created = _created(apigateway._create_integration(api_id, _integration(declared)))
                integration_ids[key] = created["integrationId"]
            route = {"routeKey": _route_key(path, verb), "target": f"integrations/{integration_ids[key]}"}
            _created(apigateway._create_route(api_id, route | _authorization(operation, authorizers)))


def _integration(declared: dict[str, Any]) -> dict[str, Any]:
    return {
        "integrationType": declared["type"].upper(),
        "integrationUri": declared["uri"],
        "integrationMethod": declared.get("httpMethod", "POST"),
        "payloadFormatVersion": str(declared.get("payloadFormatVersion", "2.0")),
        "timeoutInMillis": int(declared.get("timeoutInMillis", INTEGRATION_TIMEOUT_MS)),
    }


def _route_key(path: str, verb: str) -> str:
    if path.lstrip("/") == "$default":
        return "$default"
    method = "ANY" if verb == "x-amazon-apigateway-any-method" else verb.upper()
    return f"{method} {path}"


def _authorization(operation: dict[str, Any], authorizers: dict[str, dict[str, Any]]) -> dict[str, str]:
    """What the route says of its authorizer; nothing when the operation's ``security`` names none of them."""
    for requirement in operation.get("security") or []:
        for scheme in requirement:
            if authorizer := authorizers.get(scheme):
                kind = "CUSTOM" if authorizer["authorizerType"] == "REQUEST" else "JWT"
                return {"authorizationType": kind, "authorizerId": authorizer["authorizerId"]}
    return {}


def _created(response: tuple[int, Any, Any]) -> dict[str, Any]:
    status, _, body = response
    if status >= 400:
        raise ValueError(f"import of an HTTP API body failed: {body!r}")
    created: dict[str, Any] = json.loads(body)
    return created


def _spell_stage_settings(stage_name: str, props: Properties) -> None:
    stage = apigateway._stages[props["ApiId"]][props.get("StageName", stage_name)]
    stage["defaultRouteSettings"] = _camel_case(props.get("DefaultRouteSettings") or {})


def _camel_case(value: Any) -> Any:
    """Spell the keys of template properties (``AllowOrigins``) as the API does (``allowOrigins``)."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: _camel_case(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_camel_case(item) for item in value]
    return value
