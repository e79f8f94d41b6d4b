"""What runs asked to be told of their model's tokens: one item a step beside the run, `sk` = `outputs#00000001`.

Written in the transaction of the step's checkpoint and only where it was asked for, so that an ordinary run costs
nothing for it; `Run.has_outputs` says whether there is anything to read.
"""

from dataclasses import dataclass

from nightshift.domain.run import Run
from nightshift.domain.step_outputs import StepOutputs
from nightshift.storage.dynamo import Dynamo, Put
from nightshift.storage.keys import OUTPUTS_PREFIX, outputs_sort_key, scoped
from nightshift.storage.payloads import Payloads

OUTPUTS_PAGE = 100
"""Items that one query reads."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """The outputs of the runs table; they go with their run, see `Runs.delete`."""

    dynamo: Dynamo
    table: str
    payloads: Payloads

    def put(self, run: Run, number: int, outputs: StepOutputs) -> Put:
        """Return the write that keeps a step's outputs; large ones go to the bucket at once."""
        item = {"pk": scoped(run.tenant, run.id), "sk": outputs_sort_key(number)}
        content = {"logprobs": outputs.logprobs, "turns": list(outputs.turns)}
        return Put(self.table, self.payloads.pack("runs", item, content))

    def read(self, run: Run) -> list[StepOutputs]:
        """Return the outputs of the run's steps in their order, nothing where none were asked for."""
        if not run.has_outputs:
            return []
        items = self.dynamo.query_all(
            self.table,
            "#pk = :pk AND begins_with(#sk, :prefix)",
            {"pk": scoped(run.tenant, run.id), "prefix": OUTPUTS_PREFIX},
            limit=OUTPUTS_PAGE,
            consistent=True,
        )
        found = (self.payloads.unpack(item) for item in items)
        return [StepOutputs(one["logprobs"], tuple(one["turns"])) for one in found]
