"""What a function reads from its environment, typed; names and units are those of template.yaml.

Read once per process by the handler, never at import. A missing or unreadable value names itself and the place to
mend it.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Self


class SettingsError(Exception):
    """The function's environment is not what template.yaml gives it."""


def read_text(name: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return a variable that must be set.

    Raises:
        SettingsError: it is missing or empty.
    """
    value = environment.get(name, "")
    if not value:
        raise SettingsError(f"environment variable {name} is not set; template.yaml sets it for this function")
    return value


def read_seconds(name: str, environment: Mapping[str, str] = os.environ) -> timedelta:
    """Return a duration given in seconds.

    Raises:
        SettingsError: it is missing or no number.
    """
    text = read_text(name, environment)
    try:
        return timedelta(seconds=float(text))
    except ValueError as error:
        raise SettingsError(f"environment variable {name} must be a number of seconds, found {text!r}") from error


def read_flag(name: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Return a switch given as `true` or `false`.

    Raises:
        SettingsError: it is missing or another word.
    """
    text = read_text(name, environment)
    if text not in {"true", "false"}:
        raise SettingsError(f"environment variable {name} must be true or false, found {text!r}")
    return text == "true"


@dataclass(frozen=True, slots=True)
class TableSettings:
    """Where things are stored. A table that the function's role does not reach is empty and unused."""

    payload_bucket: str
    runs_table: str
    messages_table: str
    agents_table: str = ""
    conversations_table: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the names of the tables."""
        return cls(
            payload_bucket=read_text("PAYLOAD_BUCKET", environment),
            runs_table=read_text("RUNS_TABLE", environment),
            messages_table=read_text("MESSAGES_TABLE", environment),
            agents_table=environment.get("AGENTS_TABLE", ""),
            conversations_table=environment.get("CONVERSATIONS_TABLE", ""),
        )


@dataclass(frozen=True, slots=True)
class ExecutionSettings:
    """What queue_runner and workflow_slice need."""

    tables: TableSettings
    long_run_arn: str
    model_providers_secret_arn: str
    secrets_max_age: timedelta
    slice_duration: timedelta
    lease_duration: timedelta
    memory_mb: int
    tool_sandbox_arn: str
    allow_private_mcp_servers: bool
    allow_private_images: bool

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read everything.

        Raises:
            SettingsError: something is missing or unreadable.
        """
        return cls(
            tables=TableSettings.from_environment(environment),
            long_run_arn=read_text("LONG_RUN_ARN", environment),
            model_providers_secret_arn=read_text("MODEL_PROVIDERS_SECRET_ARN", environment),
            secrets_max_age=read_seconds("SECRETS_MAX_AGE_SECONDS", environment),
            slice_duration=read_seconds("SLICE_SECONDS", environment),
            lease_duration=read_seconds("LEASE_SECONDS", environment),
            # Set by Lambda itself (Lambda developer guide, "Defined runtime environment variables").
            memory_mb=int(read_text("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", environment)),
            tool_sandbox_arn=read_text("TOOL_SANDBOX_ARN", environment),
            allow_private_images=read_flag("ALLOW_PRIVATE_IMAGES", environment),
            allow_private_mcp_servers=read_flag("ALLOW_PRIVATE_MCP_SERVERS", environment),
        )


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """What queue_delivery needs."""

    tables: TableSettings
    callback_queue_url: str
    signing_secret_arn: str
    secrets_max_age: timedelta
    allow_private_callbacks: bool

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read everything.

        Raises:
            SettingsError: something is missing or unreadable.
        """
        return cls(
            tables=TableSettings.from_environment(environment),
            callback_queue_url=read_text("CALLBACK_QUEUE_URL", environment),
            signing_secret_arn=read_text("CALLBACK_SIGNING_SECRET_ARN", environment),
            secrets_max_age=read_seconds("SECRETS_MAX_AGE_SECONDS", environment),
            allow_private_callbacks=read_flag("ALLOW_PRIVATE_CALLBACKS", environment),
        )


@dataclass(frozen=True, slots=True)
class IntakeSettings:
    """What http_api needs."""

    tables: TableSettings
    run_queue_url: str
    tool_sandbox_arn: str
    allow_private_mcp_servers: bool

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read everything.

        Raises:
            SettingsError: something is missing.
        """
        return cls(
            tables=TableSettings.from_environment(environment),
            run_queue_url=read_text("RUN_QUEUE_URL", environment),
            tool_sandbox_arn=read_text("TOOL_SANDBOX_ARN", environment),
            allow_private_mcp_servers=read_flag("ALLOW_PRIVATE_MCP_SERVERS", environment),
        )
