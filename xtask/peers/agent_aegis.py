"""Measures agent-aegis: loading a policy, deciding, deciding with the record.

Prints one JSON object. Counted in actions, medians over rounds; wall time.
"""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time

from aegis import Action, Policy, Runtime
from aegis.adapters.base import BaseExecutor
from aegis.core.result import Result, ResultStatus
from aegis.runtime.audit import AuditLogger

ROUNDS = 7


class Instant(BaseExecutor):
    """Does nothing, at once."""

    async def execute(self, action):
        return Result(action=action, status=ResultStatus.SUCCESS)


def policy_text(rules):
    lines = ['version: "1"', "rules:"]
    for number in range(rules):
        lines += [
            f"  - name: r{number}",
            f'    match: {{type: "act{number}*", target: "t{number}*"}}',
            "    approval: auto",
        ]
    return "\n".join(lines) + "\n"


def median_ms(work):
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def main():
    folder = tempfile.mkdtemp(dir=sys.argv[1] if len(sys.argv) > 1 else None)
    figures = {}
    policies = {}
    for rules in (10, 100, 1000):
        path = os.path.join(folder, f"p{rules}.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(policy_text(rules))
        figures[f"load_{rules}_ms"] = median_ms(lambda path=path: Policy.from_yaml(path))
        policies[rules] = Policy.from_yaml(path)
        action = Action(f"act{rules - 1}x", f"t{rules - 1}x", params={"n": 1})
        count = 20_000 // max(1, rules // 10)

        def decide(policy=policies[rules], action=action, count=count):
            for _ in range(count):
                policy.evaluate(action)

        figures[f"decide_{rules}_per_s"] = count / (median_ms(decide) / 1000)

    async def record(count):
        logger = AuditLogger(db_path=os.path.join(folder, "audit.db"))
        runtime = Runtime(executor=Instant(), policy=policies[10], audit_logger=logger)
        action = Action("act9x", "t9x", params={"n": 1})
        began = time.perf_counter()
        for _ in range(count):
            await runtime.run_one(action)
        return count / (time.perf_counter() - began)

    rates = [asyncio.run(record(300)) for _ in range(ROUNDS)]
    figures["record_per_s"] = statistics.median(rates)
    print(json.dumps(figures))


main()
