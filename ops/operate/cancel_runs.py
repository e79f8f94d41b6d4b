"""Cancel the active runs of a tenant, or of one agent, or those accepted some time ago. Shows them first.

cancel_runs.py default                          what would be cancelled
cancel_runs.py default --confirm                all active runs
cancel_runs.py default --agent agent-… --older-than 2h --confirm
"""

import re
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta

from deployed_stack import DeployedStack, OperationError, parser_of
from nightshift.clock import SystemClock, to_iso
from nightshift.domain.errors import NotFoundError
from nightshift.domain.run import Run
from nightshift.intake.cancel import Cancellation
from progress import shown
from waiting_work import active_runs

MAX_SHOWN = 20
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def main(arguments: list[str] | None = None) -> int:
    """Do one command; return the exit code."""
    parser = parser_of(__doc__)
    parser.add_argument("tenant")
    parser.add_argument("--agent", help="only runs of this agent")
    parser.add_argument("--older-than", type=to_duration, default=timedelta(0), help="such as 90s, 30m, 2h, 1d")
    parser.add_argument("--confirm", action="store_true", help="cancel them; without it they are only shown")
    parsed = parser.parse_args(arguments)
    try:
        stack = DeployedStack.of_arguments(parsed)
        before = SystemClock().now() - parsed.older_than
        runs = list(shown(wanted(stack, parsed.tenant, parsed.agent, before), "found"))
        if parsed.confirm:
            print(f"cancelled   {cancel(stack, parsed.tenant, runs)} of {len(runs)} runs")
        else:
            show(runs)
    except OperationError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    return 0


def wanted(stack: DeployedStack, tenant: str, agent_id: str | None, before: datetime) -> Iterator[Run]:
    """Yield the active runs that were accepted before the moment."""
    for run in active_runs(stack.database, tenant):
        if run.created_at <= before and agent_id in {None, run.agent_id}:
            yield run


def cancel(stack: DeployedStack, tenant: str, runs: list[Run]) -> int:
    """Cancel them as the API does, with callbacks; return how many ended by it. One that ended meanwhile stays so."""
    cancellation = Cancellation(stack.database, stack.run_doorbell, SystemClock())
    count = 0
    for run in shown(runs, "cancelled"):
        try:
            outcomes = cancellation.cancel_named(tenant, run.agent_id, [run.id])
        except NotFoundError:
            continue  # the agent is being deleted, which ends its runs
        count += outcomes[run.id] == "cancelled"
    return count


def show(runs: list[Run]) -> None:
    """Tell what would be cancelled."""
    for run in runs[:MAX_SHOWN]:
        print(f"run         {run.id}  {run.agent_id}  {run.status.value}  accepted {to_iso(run.created_at)}")
    more = f", of which {MAX_SHOWN} are shown" if len(runs) > MAX_SHOWN else ""
    print(f"would cancel {len(runs)} runs{more}; CONFIRM=yes cancels them")


def to_duration(text: str) -> timedelta:
    """Read `90s`, `30m`, `2h` or `1d`."""
    found = re.fullmatch(r"(\d+)([smhd])", text)
    if found is None:
        raise ValueError(text)
    return timedelta(**{UNITS[found[2]]: int(found[1])})


if __name__ == "__main__":
    sys.exit(main())
