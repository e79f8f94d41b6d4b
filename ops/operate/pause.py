"""Pause or resume the intake or the execution of one tenant.

pause.py pause default intake       runs are refused with 503 and Retry-After, within 15 s
pause.py pause default execution    runs are accepted and wait; one that works goes on to the end of its slice
pause.py resume default execution   rings for everything that waits
"""

import sys

from deployed_stack import DeployedStack, OperationError, parser_of
from nightshift.clock import SystemClock
from nightshift.storage.doorbells import Ring
from nightshift.storage.pauses import Pausable
from progress import shown
from waiting_work import due_conversations


def main(arguments: list[str] | None = None) -> int:
    """Do one command; return the exit code."""
    parser = parser_of(__doc__)
    parser.add_argument("command", choices=("pause", "resume"))
    parser.add_argument("tenant")
    parser.add_argument("what", choices=[what.value for what in Pausable])
    parsed = parser.parse_args(arguments)
    try:
        stack = DeployedStack.of_arguments(parsed)
        if parsed.command == "pause":
            stack.database.pauses.begin(parsed.tenant, Pausable(parsed.what), SystemClock().now())
        else:
            resume(stack, parsed.tenant, Pausable(parsed.what))
    except OperationError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    paused = ", ".join(sorted(stack.database.pauses.of(parsed.tenant))) or "nothing"
    print(f"paused      of {parsed.tenant}: {paused}")
    return 0


def resume(stack: DeployedStack, tenant: str, what: Pausable) -> None:
    """End the pause, then ring for what waited; a ring that is lost the sweeper makes up for within ten minutes."""
    stack.database.pauses.end(tenant, what)
    if what is not Pausable.EXECUTION:
        return
    rings = [Ring(tenant, conversation) for conversation in shown(due_conversations(stack.database, tenant), "found")]
    failed = stack.run_doorbell.ring_all(rings)
    print(f"rung        {len(rings) - len(failed)} conversations, {len(failed)} are left to the sweeper")


if __name__ == "__main__":
    sys.exit(main())
