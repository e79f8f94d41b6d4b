"""Secrets Manager, read through Powertools' cache: one call per secret and `max_age`, not one per request."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from nightshift.domain.errors import TransientError
from nightshift.storage.clients import CONFIG

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import SecretsProvider


@cache
def _provider() -> "SecretsProvider":
    from aws_lambda_powertools.utilities.parameters import SecretsProvider  # noqa: PLC0415 -- only where secrets are read

    return SecretsProvider(boto_config=CONFIG)


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret; what it holds may be up to `max_age` old."""

    arn: str
    max_age: timedelta

    def text(self) -> str:
        """Return the secret as it is.

        Raises:
            TransientError: it could not be read.
        """
        return str(self._get(None))

    def mapping(self) -> Mapping[str, Any]:
        """Return the secret's JSON object.

        Raises:
            TransientError: it could not be read, or holds no JSON object.
        """
        value = self._get("json")
        if not isinstance(value, dict):
            raise TransientError(f"secret {self.arn} must hold a JSON object, found {type(value).__name__}")
        return value

    def _get(self, transform: str | None) -> Any:
        from aws_lambda_powertools.utilities.parameters.exceptions import (  # noqa: PLC0415 -- as above
            GetParameterError,
            TransformParameterError,
        )

        # Powertools keeps a value for whole seconds and at least one.
        max_age_seconds = max(1, int(self.max_age.total_seconds()))
        try:
            return _provider().get(self.arn, max_age=max_age_seconds, transform=transform)  # type: ignore[arg-type]  # Powertools lists the names as literals
        except (GetParameterError, TransformParameterError, ClientError, BotoCoreError) as error:
            raise TransientError(f"secret {self.arn} could not be read: {type(error).__name__}") from error
