"""Query of `GET /v1/receipts`."""

from datetime import date

from nightshift.intake.wire.base import AgentId, Wire


class ReceiptsQuery(Wire):
    """Which runs to add up: those accepted on `day` in UTC, today without it; `after` goes on where a sum ended."""

    day: date | None = None
    agent_id: AgentId | None = None
    after: str | None = None
