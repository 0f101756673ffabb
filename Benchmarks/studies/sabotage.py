#!/usr/bin/env python3
"""The gate sabotaged from outside, without knowing: what it must answer.

  Benchmarks/studies/sabotage.py run DIR [--repeat N]
  Benchmarks/studies/sabotage.py table DIR
"""
import argparse, math, subprocess
from pathlib import Path
import lib

LIMIT = 0.10
# name, the program between nolock and nolock-sample, further words, the wanted exit codes
CASES = [
    ("identical code", "", [], [0]),
    ("the copy replaced by a slower build", 'if (strstr(path, "/copy/")) strcpy(path, "SLOW");', [], [8]),
    ("the plant's dilation set to 0", "if (*dilation > 0) *dilation = 0;", [], [8]),
    ("a budget of one block", "", ["--blocks", "1"], [7]),
    ("the new code slower by twice the limit",
     f'if (strstr(path, "copy.so")) *dilation = {2 * LIMIT};', [], [2]),
]


def run(o):
    log = lib.Log(o.dir)
    base, copy = lib.objects(o.scratch)
    slow = Path(o.scratch) / "slow.so"
    if not slow.exists():
        subprocess.run([lib.ROOT / "Benchmarks/studies/planted-subject", slow, "300"], check=True)
    limits = Path(o.scratch) / "limits.yaml"
    limits.write_text(f"limits:\n  - metric: ns_per_op\n    cells: '*'\n    hard: {LIMIT}\n")
    for number in range(o.repeat):
        for name, rule, words, wanted in CASES:
            if log.has(case=name, number=number):
                continue
            env = lib.shim(o.scratch, rule.replace("SLOW", str(slow)))
            log.run(["gate", "--against", "rev:" + base, "--new", "rev:" + copy,
                     "--measure-identical", "--limits", str(limits), "--budget", "30s", *words],
                    env, case=name, number=number, wanted=wanted)


def table(o):
    log = lib.Log(o.dir)
    samples = log.samples()
    print("| sabotage | wanted | gates | as wanted | other answers | blocks, most | time, median |")
    print("|:--|--:|--:|--:|:--|--:|--:|")
    for name, _, _, wanted in CASES:
        runs = [r for r in log.runs if r["case"] == name]
        if not runs:
            continue
        good = sum(r["exit"] in r["wanted"] for r in runs)
        other = sorted(r["exit"] for r in runs if r["exit"] not in r["wanted"])
        blocks = max(len(b) for (n, _), b in samples.items() if log.runs[n]["case"] == name)
        print(f"| {name} | {wanted[0]} | {len(runs)} | {good} | {', '.join(map(str, other))} "
              f"| {blocks} | {lib.median([r['wall_s'] for r in runs]):.1f} s |")
    print()
    # The exit code again from the samples: base, new, copy and plant by the recipe.
    agree = 0
    for r in log.runs:
        agree += judged(r, samples) == r["exit"]
    print(f"recomputed from the samples: the same answer in {agree} of {len(log.runs)} gates")


def judged(r, samples):
    limit, ends = math.log(1 + LIMIT), []
    for cell, looks in r["looks"].items():
        level = 1 - lib.ALPHA / (max(1, len(looks)) * r["decisions"])
        def state(arm, outside, inside):
            values = lib.ratios(samples.get((r["run"], cell), {}), arm, "base")
            for look in (n for n in looks if n <= len(values)):
                i = lib.interval(values[:look], level)
                if i and outside(i):
                    return "out"
                if i and inside(i):
                    return "in"
            return "open"
        copy = state("copy", lambda i: i[0] > limit or i[1] < -limit,
                     lambda i: i[0] > -limit and i[1] < limit)
        plant = state("plant", lambda i: i[1] < limit, lambda i: i[0] > limit)
        new = state("new", lambda i: i[0] > limit, lambda i: i[1] < limit)
        ends.append(8 if "out" in (copy, plant) else 7 if "open" in (copy, plant, new)
                    else 2 if new == "out" else 0)
    return next(code for code in (2, 8, 7, 0) if code in ends)


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
verbs = parser.add_subparsers(dest="verb", required=True)
one = verbs.add_parser("run")
one.add_argument("dir")
one.add_argument("--repeat", type=int, default=6)
one.add_argument("--scratch", default="/tmp/nolock-studies")
verbs.add_parser("table").add_argument("dir")
options = parser.parse_args()
{"run": run, "table": table}[options.verb](options)
