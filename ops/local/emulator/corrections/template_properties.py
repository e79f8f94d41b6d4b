"""Template properties that MiniStack drops take effect.

AWS: TimeToLiveSpecification of a table; ReservedConcurrentExecutions and RecursiveLoop of a function.

Stock MiniStack: accepts them in a template and ignores them, though its API calls of the same names work. An expired
item then stays for ever, a concurrency limit does not limit, and a function that invokes itself on purpose is stopped.
"""

from ministack.services import dynamodb, lambda_svc

from emulator.expectations import expect_source
from emulator.provisioning import Properties, after_provisioning


def apply() -> None:
    """Apply the dropped properties after every create and update."""
    expect_source(dynamodb._update_ttl, '"TimeToLiveSpecification"', "_ttl_settings[name]")
    expect_source(lambda_svc._reserved_concurrency, '.get("concurrency")')
    expect_source(lambda_svc._recursive_loop_drop, 'func.get("recursive_loop")')
    after_provisioning("AWS::DynamoDB::Table", _apply_time_to_live)
    after_provisioning("AWS::Lambda::Function", _apply_function_limits)


def _apply_time_to_live(table_name: str, props: Properties) -> None:
    specification = props.get("TimeToLiveSpecification")
    if specification:
        enabled = str(specification.get("Enabled")).lower() == "true"
        dynamodb._update_ttl(
            {"TableName": table_name, "TimeToLiveSpecification": {**specification, "Enabled": enabled}}
        )


def _apply_function_limits(function_name: str, props: Properties) -> None:
    function = lambda_svc._functions.get(function_name)
    if function is None:
        return
    reserved = props.get("ReservedConcurrentExecutions")
    function["concurrency"] = None if reserved is None else int(reserved)
    function["recursive_loop"] = props.get("RecursiveLoop", "Terminate")
