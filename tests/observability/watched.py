"""What ops/observability.yaml watches: its alarms, widgets and saved queries, as plain values."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped]  # it has no types

from support.aws_tables import _TemplateLoader

ROOT: Final = Path(__file__).parents[2]
RUNBOOKS: Final = ROOT / "ops" / "runbook"

type Json = dict[str, Any]
type Metric = tuple[str, str, tuple[tuple[str, str], ...]]
"""Namespace, name, and dimensions in order of their names; what a parameter fills in is `${Parameter}`."""


@cache
def resources(kind: str) -> dict[str, Json]:
    """Return the properties of all resources of this type by logical id."""
    text = (ROOT / "ops" / "observability.yaml").read_text()
    template = yaml.load(text, _TemplateLoader)  # noqa: S506 -- a SafeLoader
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == f"AWS::{kind}"
    }


def alarms() -> dict[str, Json]:
    return resources("CloudWatch::Alarm")


def queries() -> dict[str, str]:
    return {name: query["QueryString"] for name, query in resources("Logs::QueryDefinition").items()}


def title_of_query(name: str) -> str:
    """Return the name under which a query is saved, without the stack's."""
    return str(resources("Logs::QueryDefinition")[name]["Name"]["Fn::Sub"]).partition("/")[2]


def first_query(alarm: str) -> str:
    """Return the saved query that the alarm's runbook names to begin with."""
    page = sections(alarm)["First query"]
    (query,) = [query for name, query in queries().items() if f'"{title_of_query(name)}"' in page]
    return query


def widgets() -> list[Json]:
    bodies = [dashboard["DashboardBody"]["Fn::Sub"] for dashboard in resources("CloudWatch::Dashboard").values()]
    return [widget["properties"] for body in bodies for widget in json.loads(body)["widgets"]]


def metrics_of_alarm(alarm: Json) -> list[Metric]:
    if "MetricName" in alarm:
        return [_metric(alarm)]
    return [_metric(one["MetricStat"]["Metric"]) for one in alarm["Metrics"] if "MetricStat" in one]


def metrics_of_widget(widget: Json) -> list[Metric]:
    found = []
    for row in widget["metrics"]:
        namespace, name, *rest = [part for part in row if not isinstance(part, dict)]
        found.append((namespace, name, tuple(sorted(zip(rest[::2], rest[1::2], strict=True)))))
    return found


def _metric(described: Json) -> Metric:
    dimensions = [(one["Name"], _text(one["Value"])) for one in described["Dimensions"]]
    return described["Namespace"], described["MetricName"], tuple(sorted(dimensions))


def _text(value: Any) -> str:
    return f"${{{value['Ref']}}}" if isinstance(value, dict) else str(value)


def sections(runbook: str) -> dict[str, str]:
    """Return the parts of an alarm's runbook by their headings."""
    text = (RUNBOOKS / f"{runbook}.md").read_text()
    parts = re.split(r"^## (.+)$", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def commands(runbook: str) -> list[str]:
    """Return the code blocks of a runbook that are to be run, in their order."""
    return re.findall(r"```bash\n(.*?)```", (RUNBOOKS / f"{runbook}.md").read_text(), flags=re.S)
