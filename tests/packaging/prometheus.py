#!/usr/bin/env python3
"""Checks packaging/prometheus and packaging/grafana.

The rules parse and pass their own tests; every alert has a section in docs/alerts.md; the dashboard is one that
Grafana accepts, and every expression in it parses; nothing names a metric the agent does not have.

Exit code: 0 all well, 1 not, 77 skipped (promtool is missing).
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
RULES = TOP / "packaging/prometheus/rules.yml"
RULES_TEST = TOP / "packaging/prometheus/rules_test.yml"
DASHBOARD = TOP / "packaging/grafana/mcpgw.json"
ALERTS_DOC = TOP / "docs/alerts.md"

METRICS = {
    "mcpgw_servers",
    "mcpgw_servers_first_seen_total",
    "mcpgw_unproxied_servers",
    "mcpgw_hook_state",
    "mcpgw_ring_records_total",
    "mcpgw_ring_lost_total",
    "mcpgw_ring_undecodable_total",
    "mcpgw_tap_bytes_total",
    "mcpgw_tap_attached",
    "mcpgw_agent_build_info",
    "mcpgw_agent_degraded",
    "mcpgw_guard_acts_total",
    "mcpgw_client_file_changes_total",
}
ALERTS = {
    "McpgwUnproxiedServer",
    "McpgwUnproxiedServerLong",
    "McpgwAgentDown",
    "McpgwHooksMissing",
    "McpgwEventsLost",
    "McpgwGuardActed",
    "McpgwGuardStruggles",
    "McpgwClientFileChanged",
    "McpgwAgentDegraded",
}


def promtool(*arguments, cwd=None):
    done = subprocess.run(["promtool", *arguments], cwd=cwd, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"promtool {' '.join(map(str, arguments))}:\n{done.stdout}{done.stderr}"


def metrics_in(text):
    return set(re.findall(r"\bmcpgw_[a-z_]+", text))


def check_rules():
    promtool("check", "rules", RULES)
    promtool("test", "rules", RULES_TEST.name, cwd=RULES_TEST.parent)


def check_alerts_are_complete():
    rules, tests = RULES.read_text(), RULES_TEST.read_text()
    alerts = set(re.findall(r"- alert: (\w+)", rules))
    assert alerts == ALERTS, f"{alerts} != {ALERTS}"
    sections = {line[3:].strip() for line in ALERTS_DOC.read_text().splitlines() if line.startswith("## ")}
    for alert in alerts:
        assert alert in sections, f"docs/alerts.md has no section {alert}"
        assert f"docs/alerts.md#{alert.lower()}\n" in rules, f"{alert} does not lead to its section"
        assert f"alertname: {alert}" in tests, f"{alert} is not tested"
    assert metrics_in(rules) <= METRICS, metrics_in(rules) - METRICS


def check_dashboard():
    dashboard = json.loads(DASHBOARD.read_text())
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    assert {"datasource", "job", "instance"} <= variables, variables
    panels = dashboard["panels"]
    identities = [panel["id"] for panel in panels]
    assert len(identities) == len(set(identities)), "two panels with one id"
    taken = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24 and not cells & taken, f"panel {panel['title']} overlaps"
        taken |= cells
        assert panel["type"] == "row" or panel["datasource"]["uid"] == "${datasource}", panel["title"]

    expressions = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    expressions += [annotation["expr"] for annotation in dashboard["annotations"]["list"]]
    shown = metrics_in(" ".join(expressions))
    assert shown == METRICS, f"not shown: {METRICS - shown}; unknown: {shown - METRICS}"
    with tempfile.TemporaryDirectory() as scratch:
        rules = [
            {"record": f"panel:{number}", "expr": re.sub(r"\$__rate_interval", "5m", expression)}
            for number, expression in enumerate(expressions)
        ]
        file = Path(scratch) / "expressions.yml"
        file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
        promtool("check", "rules", file)


def main():
    if not shutil.which("promtool"):
        print("SKIPPED: alert rules and dashboard were not tested: promtool is missing (Debian: prometheus)", file=sys.stderr)
        return 77
    failed = 0
    for check in (check_rules, check_alerts_are_complete, check_dashboard):
        try:
            check()
            print(f"PASS {check.__name__}")
        except (AssertionError, KeyError, ValueError, OSError, subprocess.TimeoutExpired) as error:
            print(f"FAIL {check.__name__}: {error}")
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
