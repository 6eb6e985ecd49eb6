#!/usr/bin/env python3
"""fit_step_time.py SIDE_BY_SIDE.json > STEP_TIME.json: the seconds of a step as a function of what is in it, from the
engine's medians in a record of benchmarks/side_by_side.py (tests pp512, tg128@2048, b8@0 ...).

seconds = step_s + experts_s * (share of the experts that the tokens touch) + token_s * tokens
        + near_key_s * (tokens x keys, up to 2,048 of each token's) + far_key_s * (tokens x keys)

Least squares of relative errors with coefficients >= 0, by coordinate descent: five numbers, twelve points."""
import json
import re
import statistics
import sys

TOUCHED = 8 / 64  # experts of synth-4b that a token reads
TOP = 2048  # keys that its sparse attention reads
STEP = 2048  # tokens of a prefill step in that record
NAMES = ["step_s", "experts_s", "token_s", "near_key_s", "far_key_s"]


def step_terms(at, n_each, n_requests):
    """The five terms of one step: n_requests x n_each tokens that begin at position `at`."""
    keys = range(at + 1, at + n_each + 1)
    n = n_each * n_requests
    return [1, 1 - (1 - TOUCHED) ** n, n, n_requests * sum(min(k, TOP) for k in keys), n_requests * sum(keys)]


def terms(test):
    """The terms of the whole test and the tokens that it counts."""
    if prefill := re.fullmatch(r"pp(\d+)", test):
        n = int(prefill[1])
        steps = [step_terms(at, min(STEP, n - at), 1) for at in range(0, n, STEP)]
        return [sum(column) for column in zip(*steps)], n
    decode = re.fullmatch(r"(?:tg\d+|b(\d+))@(\d+)", test)
    n = int(decode[1] or 1)
    return step_terms(int(decode[2]), 1, n), n


def main():
    record = json.load(open(sys.argv[1]))
    rows, points = [], []
    for test, entrants in record["samples"].items():
        rates = [s["tps"] for s in entrants.get("drawbridge", []) if "tps" in s]
        if not rates:
            continue
        row, n = terms(test)
        seconds = n / statistics.median(rates)
        rows.append([x / seconds for x in row])
        points.append({"test": test, "seconds": seconds})
    x = [0.0] * len(NAMES)
    for _ in range(20000):
        for j in range(len(x)):
            others = [1 - sum(r[k] * x[k] for k in range(len(x)) if k != j) for r in rows]
            x[j] = max(0.0, sum(r[j] * o for r, o in zip(rows, others)) / sum(r[j] ** 2 for r in rows))
    for point, row in zip(points, rows):
        point["fitted"] = point["seconds"] * sum(a * b for a, b in zip(row, x))
    fit = dict(zip(NAMES, x), touched=TOUCHED)
    json.dump({"source": sys.argv[1].split("/")[-1], "fit": fit, "points": points}, sys.stdout, indent=1)
    print()


main()
