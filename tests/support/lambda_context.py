"""What Lambda hands to a handler beside the event."""

from dataclasses import dataclass, field
from uuid import uuid4


@dataclass(frozen=True, slots=True)
class FakeLambdaContext:
    """The attributes that handlers and Powertools read."""

    function_name: str = "nightshift-test"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:123456789012:function:nightshift-test"
    aws_request_id: str = field(default_factory=lambda: str(uuid4()))
    remaining_ms: int = 29_000

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms
