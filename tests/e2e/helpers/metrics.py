# SPDX-License-Identifier: GPL-2.0-or-later
"""What app-fw --metrics tells, read by the strict parser of prometheus_client. FILE is one answer.

metrics.py value FILE SAMPLE [LABEL=VALUE...]  the only sample of that name with these labels
metrics.py compare FILE STATS RULES [STATS2]   with `ctl-fw stats --json` before and, where it is given,
                                               after, and with `ctl-fw -L --json`
metrics.py names FILE DASHBOARD                that each name in a dashboard's expressions is told
metrics.py whole FILE CHAIN                    that its rules are of one rule set: noted "NAME 1", "NAME 2", ...
metrics.py idle ADDR PORT N                    N connections that say nothing, or half a request, until it is killed
"""
import json
import re
import signal
import socket
import sys


def families(path):
    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    with open(path, encoding="utf-8", newline="") as f:
        return list(text_string_to_metric_families(f.read()))


def samples(path):
    return [s for family in families(path) for s in family.samples]


def value(path, name, *labels):
    want = dict(label.split("=", 1) for label in labels)
    found = [s for s in samples(path) if s.name == name and want.items() <= s.labels.items()]
    if len(found) != 1:
        sys.exit(f"{len(found)} samples {name} {want}")
    print(f"{found[0].value:.9f}".rstrip("0").rstrip("."))


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def compare(path, stats, rules, stats_after=None):
    told = samples(path)
    low, high = load(stats), load(stats_after or stats)
    plain = {s.name: s.value for s in told if not s.labels}
    for name, n in low["counters"].items():
        got = plain[f"appfw_{name}_total"]
        if not n <= got <= high["counters"][name]:
            sys.exit(f"{name}: {got} is not in {n}..{high['counters'][name]}")
    counts = {s.labels["stage"]: s.value for s in told if s.name == "appfw_stage_duration_seconds_count"}
    for before, after in zip(low["stages"], high["stages"]):
        got = counts.pop(before["stage"])
        if not before["count"] <= got <= after["count"]:
            sys.exit(f"{before['stage']}: {got} is not in {before['count']}..{after['count']}")
    if counts:
        sys.exit(f"stages that stats does not have: {counts}")
    for what in ("packets", "bytes"):
        got = {
            (s.labels["chain"], int(s.labels["index"])): s.value
            for s in told
            if s.name == f"appfw_rule_{what}_total"
        }
        want = {
            (chain["chain"], rule["index"]): rule[what] for chain in load(rules)["chains"] for rule in chain["rules"]
        }
        if got != want:
            sys.exit(f"rules, {what}: {got}, and in the list {want}")
    print(len(low["counters"]), "counters,", len(want), "rules")


def expressions(node):
    if isinstance(node, dict):
        for key, below in node.items():
            if key in ("expr", "query", "definition") and isinstance(below, str):
                yield below
            else:
                yield from expressions(below)
    elif isinstance(node, list):
        for below in node:
            yield from expressions(below)


def names(path, dashboard):
    told = {s.name for s in samples(path)}
    used = {name for text in expressions(load(dashboard)) for name in re.findall(r"\bappfw_\w+", text)}
    missing = used - told
    if missing or len(used) < 20:
        sys.exit(f"{len(used)} names, not told: {sorted(missing)}")
    print(len(used), "names")


def whole(path, chain):
    told = [s for s in samples(path) if s.labels.get("chain") == chain]
    number = next(s.value for s in told if s.name == "appfw_rules")
    for what in ("packets", "bytes"):
        rules = [s.labels for s in told if s.name == f"appfw_rule_{what}_total"]
        name = rules[0]["note"].split()[0]
        want = [{"chain": chain, "index": str(i), "note": f"{name} {i + 1}"} for i in range(int(number))]
        if rules != want:
            sys.exit(f"{len(rules)} rules, not the {number} of {name}")
    print(int(number), name)


def idle(address, port, n):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kept = []
    for i in range(int(n)):
        s = socket.socket(family)
        s.connect((address, int(port)))
        if i % 2:
            s.send(b"GET /metrics HTTP/1.1\r\nHost:")
        kept.append(s)
    print("open", flush=True)
    signal.pause()


COMMANDS = {"value": value, "compare": compare, "names": names, "whole": whole, "idle": idle}
COMMANDS[sys.argv[1]](*sys.argv[2:])
