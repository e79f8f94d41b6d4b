"""What every body that becomes a run says of it."""

from typing import Any, Protocol

from nightshift.domain.run import DisplayConfig, RunKind
from nightshift.domain.run_request import RunRequest


class RunBody(Protocol):
    """A body that is accepted as a run; see `CreateRun` for what its parts mean."""

    @property
    def kind(self) -> RunKind: ...

    @property
    def override_model(self) -> str | None: ...

    @property
    def max_steps(self) -> int: ...

    @property
    def callback_url(self) -> str | None: ...

    @property
    def otids(self) -> list[str] | None: ...

    def to_display(self) -> DisplayConfig: ...

    def to_request(self, correlation_id: str) -> RunRequest: ...

    def model_dump(self, *, mode: str, exclude_defaults: bool) -> dict[str, Any]: ...

    def model_dump_json(self) -> str: ...
