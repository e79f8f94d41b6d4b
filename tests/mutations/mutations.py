"""The promises that are broken, one at a time."""

from typing import Final

from mutations.mutation import Edit, Mutation

_PACKAGE: Final = "layers/nightshift/nightshift"
_KILL_POINTS: Final = "tests/crash/test_kill_points.py"

MUTATIONS: Final = (
    Mutation(
        name="drop the fencing condition",
        promises="4",
        edits=(
            Edit(
                f"{_PACKAGE}/storage/conversations.py",
                '_HOLDS_LEASE = "#fencing_token = :token"',
                '_HOLDS_LEASE = "attribute_exists(#pk)"',
            ),
            Edit(
                f"{_PACKAGE}/storage/runs.py",
                '_COMPARED: Final = ("status", "fencing_token", ',
                '_COMPARED: Final = ("status", ',
            ),
        ),
        tests="tests/execution/test_lease.py",
    ),
    Mutation(
        name="release without looking at the waiting list",
        promises="5",
        edits=(
            Edit(
                f"{_PACKAGE}/storage/conversations.py",
                'f"{_HOLDS_LEASE} AND {_NO_RUN_WAITS}"',
                "_HOLDS_LEASE",
            ),
            Edit(
                f"{_PACKAGE}/storage/conversations.py",
                'condition = f"{_RUN_IS_FIRST} AND {_RUN_IS_ALONE}"',
                "condition = _RUN_IS_FIRST",
            ),
        ),
        tests="tests/execution/test_lease.py",
    ),
    Mutation(
        name="run tools before the write",
        promises="6",
        edits=(
            Edit(
                f"{_PACKAGE}/execution/run_loop.py",
                "            checkpoints.record(state, changed, entries, result.step)\n",
                "            asked = checkpoints._place(state, entries)\n"
                "            if asked and asked[0].draft.tool_calls:\n"
                "                self._tool_calls(checkpoints).answer(state, asked[0], heartbeat, budget)\n"
                "            checkpoints.record(state, changed, entries, result.step)\n",
            ),
        ),
        tests=_KILL_POINTS,
        selection="tools and sequence and not each",
    ),
    Mutation(
        name="skip the sweeper",
        promises="1, 2",
        edits=(
            Edit(
                f"{_PACKAGE}/recovery/sweep.py",
                "        with ThreadPoolExecutor(2) as threads:\n",
                "        return\n        with ThreadPoolExecutor(2) as threads:\n",
            ),
        ),
        tests=_KILL_POINTS,
        selection="plain",
    ),
    Mutation(
        name="deliver before the terminal write",
        promises="8",
        edits=(
            Edit(
                f"{_PACKAGE}/execution/checkpoint.py",
                "        self._transact(state, [*ending, *others], beside)\n",
                "        for delivery in ending[1:]:\n"
                "            self.database.transact([delivery])\n"
                "        self._transact(state, [*ending[:1], *others], beside)\n",
            ),
        ),
        tests=_KILL_POINTS,
        selection="callback and not refused",
    ),
)
