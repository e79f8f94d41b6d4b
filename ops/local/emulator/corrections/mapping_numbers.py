"""Numbers of an event source mapping that come from parameters are numbers.

AWS: CloudFormation converts ``MaximumConcurrency: !Ref ANumberParameter`` to an integer.

Stock MiniStack: the string stays, and comparing it raises on every poll of a standard queue, which also starves every
mapping listed after this one.
"""

from ministack.services import lambda_svc

from emulator.expectations import expect_source
from emulator.provisioning import Properties, correct_properties

NUMBERS = (
    "BatchSize",
    "MaximumBatchingWindowInSeconds",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "ParallelizationFactor",
)
FLAGS = ("BisectBatchOnFunctionError", "Enabled")


def apply() -> None:
    """Convert the properties before MiniStack stores them."""
    expect_source(lambda_svc._sqs_esm_concurrency, '.get("MaximumConcurrency") or _ESM_SQS_DEFAULT_CONCURRENCY')
    correct_properties("AWS::Lambda::EventSourceMapping", _with_numbers)


def _with_numbers(props: Properties) -> Properties:
    converted = dict(props)
    for name in NUMBERS:
        if props.get(name) is not None:
            converted[name] = int(props[name])
    for name in FLAGS:
        if props.get(name) is not None:
            converted[name] = str(props[name]).lower() == "true"
    scaling = props.get("ScalingConfig") or {}
    if scaling.get("MaximumConcurrency") is not None:
        converted["ScalingConfig"] = {**scaling, "MaximumConcurrency": int(scaling["MaximumConcurrency"])}
    return converted
