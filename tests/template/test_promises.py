"""What the promises of docs/architecture.md need of the infrastructure: time, patience, and that nothing is lost."""

import ast
import json
from datetime import timedelta
from typing import Any

import pytest

from nightshift.domain.callback import ATTEMPT_TIMEOUT_SECONDS
from nightshift.doorbell_batch import MAX_RECEIVES
from nightshift.execution.budget import EXIT_RESERVE_SECONDS
from nightshift.execution.step import MODEL_TIMEOUT_SECONDS
from nightshift.intake import tool_run
from nightshift.recovery.collect import AT_REST
from nightshift.storage import clients
from nightshift.storage.keys import DELIVERY
from template.deployment import Deployment, Permission, name_of
from template.function_code import FUNCTIONS, LAYER
from template.used_permissions import TABLES
from tool_sandbox import TIMEOUT_RESERVE_SECONDS

type Json = dict[str, Any]

FOURTEEN_DAYS_SECONDS = 14 * 24 * 60 * 60
"""The longest that SQS keeps a message."""

POINT_IN_TIME_DAYS = 35
"""How far back DynamoDB restores a table (Developer Guide, point-in-time recovery)."""


def test_message_stays_invisible_while_its_function_may_work_on_it(deployment: Deployment) -> None:
    queues = deployment.of_type("AWS::SQS::Queue")
    listening = {
        function: queues[name_of(source["EventSourceArn"])]
        for function in FUNCTIONS
        for source in deployment.sources_of(function)
        if name_of(source["EventSourceArn"]) in queues
    }
    assert listening.keys() == {"QueueRunnerFunction", "QueueDeliveryFunction"}
    for function, queue in listening.items():
        assert queue["VisibilityTimeout"] >= deployment.functions[function]["Timeout"], function


def test_message_that_fails_again_and_again_is_kept_as_long_as_possible(deployment: Deployment) -> None:
    queues = deployment.of_type("AWS::SQS::Queue")
    dead_letters = {
        name: name_of(queue["RedrivePolicy"]["deadLetterTargetArn"])
        for name, queue in queues.items()
        if "RedrivePolicy" in queue
    }
    assert dead_letters == {"RunQueue": "RunDeadLetters", "CallbackQueue": "CallbackDeadLetters"}
    for name in dead_letters.values():
        assert queues[name]["MessageRetentionPeriod"] >= FOURTEEN_DAYS_SECONDS, name


def test_one_failed_item_does_not_bring_the_others_back(deployment: Deployment) -> None:
    for name, mapping in deployment.of_type("AWS::Lambda::EventSourceMapping").items():
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"], name


def test_stream_hands_over_new_deliveries_and_nothing_else(deployment: Deployment) -> None:
    (source,) = deployment.sources_of("StreamCallbacksFunction")
    (only,) = source["FilterCriteria"]["Filters"]
    assert json.loads(only["Pattern"]) == {"eventName": ["INSERT"], "dynamodb": {"Keys": {"sk": {"S": [DELIVERY]}}}}
    assert source["BisectBatchOnFunctionError"]
    assert 0 < source["MaximumRetryAttempts"] <= 10, "a record that can't be handed over must not block the shard"


@pytest.mark.parametrize("function", ["QueueRunnerFunction", "WorkflowSliceFunction"])
def test_last_model_call_of_the_longest_slice_ends_within_the_function(
    function: str, template: Json, deployment: Deployment
) -> None:
    longest_slice_seconds = template["Parameters"]["SliceSeconds"]["MaxValue"]
    needed_seconds = longest_slice_seconds + MODEL_TIMEOUT_SECONDS + EXIT_RESERVE_SECONDS
    assert needed_seconds <= deployment.functions[function]["Timeout"]


def test_attempt_of_a_callback_ends_within_the_function(deployment: Deployment) -> None:
    assert deployment.functions["QueueDeliveryFunction"]["Timeout"] >= 2 * ATTEMPT_TIMEOUT_SECONDS


def test_sweep_ends_before_the_next_begins(deployment: Deployment) -> None:
    rule = deployment.of_type("AWS::Events::Rule")["ScheduleSweeperFunctionEveryMinute"]
    assert rule["ScheduleExpression"] == "rate(1 minute)"
    assert deployment.functions["ScheduleSweeperFunction"]["Timeout"] < 60


def test_bucket_is_collected_every_day_and_slower_than_any_function_works(deployment: Deployment) -> None:
    rule = deployment.of_type("AWS::Events::Rule")["ScheduleCollectorFunctionEveryDay"]
    assert rule["ScheduleExpression"] == "rate(1 day)"
    longest = max(
        found["Timeout"] for name, found in deployment.functions.items() if name != "ScheduleCollectorFunction"
    )
    assert timedelta(seconds=12 * longest) <= AT_REST


def test_objects_are_removed_by_the_collector_alone(deployment: Deployment) -> None:
    removing = [
        role
        for role in deployment.of_type("AWS::IAM::Role")
        if any(permission.action.startswith("s3:DeleteObject") for permission in deployment.granted(role))
    ]
    assert removing == ["ScheduleCollectorRole"]


def test_user_code_never_shares_an_execution_environment_with_another_tenants(deployment: Deployment) -> None:
    sandbox = deployment.functions["ToolSandboxFunction"]
    assert sandbox["TenancyConfig"] == {"TenantIsolationMode": "PER_TENANT"}


def test_tool_ends_before_those_who_wait_for_it_do(deployment: Deployment) -> None:
    sandbox_seconds = deployment.functions["ToolSandboxFunction"]["Timeout"]
    assert sandbox_seconds < clients.INVOKE_TIMEOUT_SECONDS
    api_seconds = deployment.functions["HttpApiFunction"]["Timeout"]
    assert api_seconds > tool_run.TIMEOUT_SECONDS + TIMEOUT_RESERVE_SECONDS


def test_answer_comes_before_the_api_gives_up(deployment: Deployment) -> None:
    """An HTTP API waits 30 s at most, for its authorizer 10 s (API Gateway quotas)."""
    assert deployment.functions["HttpApiFunction"]["Timeout"] < 30
    assert deployment.functions["RequestAuthorizerFunction"]["Timeout"] <= 10


def test_table_outlives_its_stack_and_can_be_restored(deployment: Deployment) -> None:
    tables = deployment.of_type("AWS::DynamoDB::Table")
    assert tables.keys() == set(TABLES.values())
    for name, table in tables.items():
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}, name
        assert table["BillingMode"] == "PAY_PER_REQUEST", name
        assert table["SSESpecification"] == {"SSEEnabled": True}, name


@pytest.mark.parametrize("name", [*sorted(set(TABLES.values())), "PayloadBucket"])
def test_data_is_never_deleted_with_the_stack(name: str, deployment: Deployment) -> None:
    resource = deployment.resources[name]
    assert resource["DeletionPolicy"] == "Retain"
    assert resource["UpdateReplacePolicy"] == "Retain"


def test_bucket_is_private_and_encrypted(deployment: Deployment) -> None:
    bucket = deployment.of_type("AWS::S3::Bucket")["PayloadBucket"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]


@pytest.mark.parametrize("aggregate", TABLES)
def test_items_that_are_written_with_an_end_expire(aggregate: str, deployment: Deployment) -> None:
    module = ast.parse((LAYER / "nightshift" / "storage" / f"{aggregate}.py").read_text())
    strings = {node.value for node in ast.walk(module) if isinstance(node, ast.Constant)}
    if "expires_at" in strings:
        table = deployment.of_type("AWS::DynamoDB::Table")[TABLES[aggregate]]
        assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


def test_every_function_has_a_log_of_its_own_that_ends(deployment: Deployment) -> None:
    groups = deployment.of_type("AWS::Logs::LogGroup")
    used = [name_of(deployment.functions[function]["LoggingConfig"]["LogGroup"]) for function in FUNCTIONS]
    assert sorted(used) == sorted(groups)
    for name, group in groups.items():
        assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}, name


def test_code_knows_when_a_message_becomes_a_dead_letter(template: dict[str, Any]) -> None:
    policies = [
        resource["Properties"]["RedrivePolicy"]
        for resource in template["Resources"].values()
        if "RedrivePolicy" in resource.get("Properties", {})
    ]
    assert [policy["maxReceiveCount"] for policy in policies] == [MAX_RECEIVES] * 2


def test_function_that_rings_its_own_queue_may_and_no_other_one(deployment: Deployment) -> None:
    """Lambda stops a function after 16 rounds through its queue. Where rounds are wanted, attempts bound them."""
    ringing = {
        function
        for function in FUNCTIONS
        for source in deployment.sources_of(function)
        if Permission("sqs:SendMessage", name_of(source["EventSourceArn"]))
        in set(deployment.granted(deployment.role_of(function)))
    }
    allowed = {name for name, found in deployment.functions.items() if found.get("RecursiveLoop") == "Allow"}
    assert ringing == allowed == {"QueueDeliveryFunction"}


def test_deleted_payloads_are_kept_as_long_as_tables_can_be_restored(deployment: Deployment) -> None:
    (bucket,) = deployment.of_type("AWS::S3::Bucket").values()
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": POINT_IN_TIME_DAYS}
