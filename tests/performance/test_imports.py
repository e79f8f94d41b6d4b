"""The import budget: a function's handler module against `import boto3` and one client, which any function pays.

The count of modules is exact and the same on every machine; the processor's time says what they weigh. Of several
interleaved runs the fastest counts, since nothing makes an import faster than it is.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from performance.cold_start import BASELINE, ColdStart, ColdStarts
from performance.conftest import Budget
from routes import ROUTES

LIMITS = {
    "http_api": 1.7,
    "authorizer": 1.3,
    "queue_runner": 1.3,
    "workflow_slice": 1.3,
    "stream_callbacks": 1.3,
    "queue_delivery": 1.3,
    "schedule_sweeper": 1.3,
    "schedule_collector": 1.3,
    "tool_sandbox": 0.5,
}
"""Handler module to its budget, as a multiple of the baseline."""

STAGES = {
    "http_api": {"intake"},
    "authorizer": set(),
    "queue_runner": {"execution"},
    "workflow_slice": {"execution"},
    "stream_callbacks": set(),
    "queue_delivery": {"delivery"},
    "schedule_sweeper": {"recovery"},
    "schedule_collector": {"recovery"},
    "tool_sandbox": set(),
}
"""Handler module to the stage that it may load."""

ACCEPT = "import http_api, operations; operations.load_operation('message_operations:create_run')"
"""What a cold http_api loads until it can accept a run: its operations are loaded by the group."""

ROUNDS = 5

HEAVY = frozenset({"httpx", "jsonschema", "moto", "openai", "pytest", "requests", "unittest", "yaml"})
"""What no function loads before it needs it; most only come in by accident."""

ONLY_AT_THE_API = frozenset({"aws_lambda_powertools.event_handler", "asyncio", "pydantic", "pydantic_core"})
"""What routes and validates requests; the event handler brings asyncio for GraphQL."""

LIGHT_MODELS = frozenset(
    f"nightshift.models.{name}" for name in ("handles", "port", "provider", "providers", "registry")
)
"""What of the models is loaded before one is asked: no adapter, hence no SDK; and no provider's own file."""

type Measured = Mapping[str, Sequence[ColdStart]]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """Start everything several times, in turn, after one round that only compiles."""
    starts = ColdStarts(tmp_path_factory.mktemp("bytecode"))
    codes = {"baseline": BASELINE} | {module: f"import {module}" for module in LIMITS} | {"http_api": ACCEPT}
    rounds = [{name: starts.run(code) for name, code in codes.items()} for _ in range(1 + ROUNDS)]
    return {name: [measurement[name] for measurement in rounds[1:]] for name in codes}


@pytest.mark.parametrize("module", LIMITS)
def test_import_stays_within_its_budget(module: str, measured: Measured, budget: Budget) -> None:
    loaded, baseline = (measured[name][0].modules for name in (module, "baseline"))
    cpu_ms, baseline_ms = (min(start.cpu_ms for start in measured[name]) for name in (module, "baseline"))

    def explain() -> str:
        packages = sorted({name.partition(".")[0] for name in loaded - baseline})
        return f"beside the baseline it loads {len(loaded - baseline)} modules of {', '.join(packages)}"

    of_modules, of_time = f"times boto3's {len(baseline)} modules", f"times boto3's {baseline_ms:.0f} ms"
    limit = LIMITS[module]
    budget.check(f"import of {module}", round(len(loaded) / len(baseline), 2), limit, of_modules, explain)
    budget.check(f"import of {module}", round(cpu_ms / baseline_ms, 2), limit, of_time, explain)


@pytest.mark.parametrize("module", sorted({route.operation.partition(":")[0] for route in ROUTES}))
def test_no_group_of_operations_is_heavier(module: str, measured: Measured, tmp_path: Path, budget: Budget) -> None:
    loaded = ColdStarts(tmp_path).run(f"import http_api, {module}").modules
    baseline = len(measured["baseline"][0].modules)
    unit = f"times boto3's {baseline} modules"
    budget.check(f"import of http_api with {module}", round(len(loaded) / baseline, 2), LIMITS["http_api"], unit)


@pytest.mark.parametrize("module", LIMITS)
def test_heavy_package_is_not_loaded_before_it_is_needed(module: str, measured: Measured) -> None:
    unwanted = HEAVY if module == "http_api" else HEAVY | ONLY_AT_THE_API
    loaded = measured[module][0].modules
    assert unwanted & loaded == frozenset()
    assert {name for name in loaded if name.startswith("nightshift.models.")} <= LIGHT_MODELS


@pytest.mark.parametrize("module", LIMITS)
def test_function_loads_its_own_stage_only(module: str, measured: Measured) -> None:
    stages = {"intake", "execution", "delivery", "recovery"}
    loaded = {name.split(".")[1] for name in measured[module][0].modules if name.startswith("nightshift.")}
    assert loaded & stages == STAGES[module]


def test_domain_and_ports_are_loaded_without_boto3(tmp_path: Path) -> None:
    domain = Path(__file__).parents[2] / "layers" / "nightshift" / "nightshift" / "domain"
    names = [f"nightshift.domain.{path.stem}" for path in domain.glob("[a-z]*.py")] + sorted(LIGHT_MODELS)
    loaded = ColdStarts(tmp_path).run(f"import {', '.join(names)}").modules
    assert loaded & {"boto3", "botocore", "pydantic", "openai"} == frozenset()
