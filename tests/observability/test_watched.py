"""What is watched exists: metrics are emitted, alarms have runbooks, saved queries find their lines."""

import re

import pytest

from nightshift.telemetry import NAMESPACE
from observability.logs_insights import Line, QuerySyntaxError, fields_of, run_query
from observability.recording import SERVICE, Recording
from observability.test_metrics import WITH_A_PRICE
from observability.watched import (
    RUNBOOKS,
    Metric,
    alarms,
    commands,
    metrics_of_alarm,
    metrics_of_widget,
    queries,
    sections,
    title_of_query,
    widgets,
)

OF_AWS = {
    "AWS/ApiGateway": {"Count", "4xx", "5xx", "Latency"},
    "AWS/DynamoDB": {"WriteThrottleEvents", "ReadThrottleEvents"},
    "AWS/Lambda": {"ConcurrentExecutions", "Duration", "Errors", "Invocations", "Throttles"},
    "AWS/SQS": {"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"},
    "AWS/States": {"ExecutionsStarted", "ExecutionsFailed"},
}
"""Metrics that the services publish by themselves, as their documentation names them."""

PAID_ALARM_METRICS = 11
"""Metrics that docs/aws.md has a price for: an alarm is paid by the metrics it reads (Amazon CloudWatch pricing)."""

EXAMPLE_RUN = "run-00000000-0000-4000-8000-000000000000"


def emitted(recording: Recording) -> set[Metric]:
    """Return what CloudWatch would make of the recorded lines, in the form of `Metric`."""
    return {
        (directive["Namespace"], metric["Name"], tuple(sorted((name, _value(line, name)) for name in names)))
        for line in recording.lines
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", ())
        for metric in directive["Metrics"]
        for names in directive["Dimensions"]
    }


def _value(line: dict[str, str], name: str) -> str:
    return "${Service}" if name == "service" else line[name]


def watched() -> list[Metric]:
    of_alarms = [metric for alarm in alarms().values() for metric in metrics_of_alarm(alarm)]
    return of_alarms + [metric for widget in widgets() for metric in metrics_of_widget(widget)]


def test_every_watched_metric_is_emitted_with_its_dimensions(recording: Recording) -> None:
    found = emitted(recording)
    for namespace, name, dimensions in watched():
        if namespace == NAMESPACE:
            assert name in WITH_A_PRICE or (namespace, name, dimensions) in found, (name, dimensions)
        else:
            assert name in OF_AWS[namespace], name


def test_every_emitted_metric_is_watched(recording: Recording) -> None:
    names = {name for namespace, name, _ in watched() if namespace == NAMESPACE}
    assert {name for _, name, _ in emitted(recording)} <= names


def test_every_alarm_has_a_runbook_and_every_runbook_an_alarm() -> None:
    pages = {path.stem for path in RUNBOOKS.glob("*.md")} - {"README"}
    assert pages == alarms().keys()


def test_alarms_read_as_many_metrics_as_the_page_of_costs_says() -> None:
    assert sum(len(metrics_of_alarm(alarm)) for alarm in alarms().values()) == PAID_ALARM_METRICS


@pytest.mark.parametrize("name", alarms())
def test_alarm_says_why_and_where_to_read_on(name: str) -> None:
    description = alarms()[name]["AlarmDescription"]["Fn::Sub"]
    assert description.rstrip().endswith(f"Runbook: ${{RunbookBase}}/{name}.md")
    assert len(description) > 120
    assert len(description) <= 1024
    assert alarms()[name]["TreatMissingData"] == ("breaching" if name == "SweeperSilent" else "notBreaching")


@pytest.mark.parametrize("name", alarms())
def test_runbook_has_its_four_parts_and_names_a_saved_query(name: str) -> None:
    parts = sections(name)
    assert list(parts) == ["Meaning", "First query", "Mitigation", "Escalation"]
    assert all(text.strip() for text in parts.values())
    (title,) = re.findall(r'Saved as "([^"]+)"', parts["First query"])
    assert title in {title_of_query(query) for query in queries()}
    assert commands(name)


@pytest.mark.parametrize("name", queries())
def test_saved_query_parses_and_finds_its_lines(name: str, recording: Recording) -> None:
    query = queries()[name].replace(EXAMPLE_RUN, recording.runs["goes_well"])
    assert run_query(query, recording.lines), query


@pytest.mark.parametrize("name", queries())
def test_saved_query_reads_only_what_some_line_has(name: str, recording: Recording) -> None:
    known = {key for line in recording.lines for key in line}
    assert {field.partition(".")[0] for field in fields_of(queries()[name])} <= known


def test_where_is_my_run_shows_its_course_from_logs_alone(recording: Recording) -> None:
    query = queries()["WhereIsMyRun"].replace(EXAMPLE_RUN, recording.runs["goes_well"])
    rows = run_query(query, recording.lines)
    course = [row["message"] for row in rows if row["message"] != "request answered"]
    assert course[0] == "run accepted"
    for message in ("conversation claimed", "run started", "tool calls answered", "run finished"):
        assert message in course
    assert course[-1] == "callback attempt recorded"


def test_failures_are_counted_by_what_the_runbook_says(recording: Recording) -> None:
    (down,) = run_query(queries()["FailuresOfModels"], recording.lines)
    assert (down["failures"], down["provider"]) == (1, "openai")
    callbacks = run_query(queries()["FailedCallbacks"], recording.lines)
    assert {(row["outcome"], row.get("status_code")) for row in callbacks} == {
        ("retried", None),
        ("retried", 500),
        ("given_up", 410),
    }
    services = run_query(queries()["FailuresOfServices"], recording.lines)
    assert any("ThrottlingException" in str(row) for row in services)


@pytest.mark.parametrize(
    "query",
    [
        "parse @message /x/",
        "filter a ~ 1",
        "filter a = b",
        "filter a =",
        "filter (a = 1)",
        "stats pct(a, 95) as b",
        "sort a",
        "fields a b",
    ],
)
def test_evaluator_refuses_what_it_does_not_know(query: str) -> None:
    with pytest.raises(QuerySyntaxError):
        run_query(query, [{"a": 1}])


def test_evaluator_compares_joins_and_sums() -> None:
    lines: list[Line] = [{"a": 1, "b": "x"}, {"a": 2, "b": "x"}, {"a": 3, "b": "y"}, {"b": None, "c": {"d": [7]}}]
    assert run_query('filter a > 1 and b = "x"', lines) == [{"a": 2, "b": "x"}]
    assert run_query('filter a = 1 or b = "y" | fields a', lines) == [{"a": 1}, {"a": 3}]
    assert run_query("filter ispresent(c.d.0) | fields c.d.0", lines) == [{"c.d.0": 7}]
    totals = run_query("filter a > 0 | stats sum(a) as total, count(*) as n by b | sort total desc | limit 1", lines)
    assert totals in ([{"b": "x", "total": 3, "n": 2}], [{"b": "y", "total": 3, "n": 1}])


def test_recording_is_of_the_service_that_alarms_watch(recording: Recording) -> None:
    assert {line["service"] for line in recording.lines if "_aws" in line} == {SERVICE}
