"""Operations on what runs cost."""

import stage
from nightshift.domain.display import Json
from nightshift.intake.receipts import Receipts
from nightshift.intake.wire.receipts import ReceiptsQuery
from operations import Request, operation


def _receipts() -> Receipts:
    return Receipts(stage.database(), stage.clock())


@operation("Tell what a run cost: tokens and dollars by step, dollars of AWS, time, units, transitions, deliveries")
def retrieve_receipt(request: Request, run_id: str) -> Json:
    return _receipts().of_run(request.tenant, run_id)


@operation("Add up what the runs of a day cost, by agent: dollars of models and of AWS", query=ReceiptsQuery)
def add_up_receipts(request: Request, query: ReceiptsQuery) -> Json:
    return _receipts().of_day(request.tenant, query)
