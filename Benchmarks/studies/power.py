#!/usr/bin/env python3
"""Power: +3 % by dilation found by live comparisons; dilation against what was asked; +1 instruction.

  Benchmarks/studies/power.py run DIR [--runs N] [--minutes M]
  Benchmarks/studies/power.py table DIR

A run compares an object with a copy whose measuring loop a program between nolock and nolock-sample
dilates by f; nolock does not know.  f = 0.03 by turns over three cells and 1 and 2 threads, then
others; then gates by counts of a build with one instruction more in kmalloc (planted-subject).
"""
import argparse, math, subprocess, time
from pathlib import Path
import lib

CELLS = ["pair", "batch", "churn"]


def run(o):
    log = lib.Log(o.dir)
    base, copy = lib.objects(o.scratch)
    ends = time.time() + 60 * o.minutes
    def compare(f, number, cell, threads, more=()):
        if log.has(f=f, number=number) or time.time() > ends:
            return
        env = lib.shim(o.scratch, f'if (strstr(path, "copy.so")) *dilation = {f};')
        log.run(["compare", "rev:" + base, "rev:" + copy, "--measure-identical", "--budget", "60s",
                 "-p", f"workload={cell}", "-p", f"threads={threads}", *more], env,
                f=f, number=number, kind="dilation")
    plus = Path(o.scratch) / "plus-one.so"
    if not plus.exists():
        subprocess.run([lib.ROOT / "Benchmarks/studies/planted-subject", plus, "1"], check=True)
    for number in range(o.counted):
        if log.has(kind="count", number=number) or time.time() > ends:
            continue
        log.run(["gate", "--against", "rev:" + base, "--new", f"rev:{plus}", "--limits",
                 str(lib.ROOT / "Benchmarks/limits-counted.yaml"), "-p",
                 f"workload={CELLS[number % 3]}"], kind="count", number=number)
    for number in range(o.runs):
        compare(0.03, number, CELLS[number % 3], 1 + number // 3 % 2)
    for f in (0.01, 0.02, 0.05, 0.1, 0.2):
        for number in range(12):
            compare(f, number, CELLS[number % 3], 1, ["--blocks", "128"])


def table(o):
    log = lib.Log(o.dir)
    samples = log.samples()
    print("| f | cell | runs | found | blocks, median | time of the cell, median and most | measured / f |")
    print("|--:|:--|--:|--:|--:|--:|--:|")
    rows, all3 = {}, [0, 0]
    for r in log.runs:
        if r["kind"] != "dilation":
            continue
        base, arm = r["arms"]
        for cell, looks in r["looks"].items():
            values = lib.ratios(samples[r["run"], cell], arm, base)
            said, used = lib.verdict(values, looks, r["decisions"])
            rows.setdefault((r["f"], cell), []).append(
                (said == "slower", used, r["wall_s"], values))
    for (f, cell), found in sorted(rows.items()):
        hits = sum(x[0] for x in found)
        pooled = [v for x in found for v in x[3]]
        walls = sorted(x[2] for x in found)
        if f == 0.03:
            all3[0] += hits
            all3[1] += len(found)
        print(f"| {f} | {cell} | {len(found)} | {hits} | {lib.median([x[1] for x in found]):.0f} "
              f"| {lib.median(walls):.1f} s, {walls[-1]:.1f} s "
              f"| {(math.exp(lib.median(pooled)) - 1) / f:.2f} |")
    if all3[1]:
        low = lib.bound(*all3).low
        print(f"\n+3 %: {all3[0]} of {all3[1]} live runs, at least {low:.0%} (Clopper–Pearson, 95 %)")
    counted = [r for r in log.runs if r["kind"] == "count"]
    hits = 0
    for r in counted:
        for cell in r["looks"]:
            arms = samples[r["run"], cell][0]
            # One instruction more in each kmalloc: as many as there were operations.
            more = arms["new counted"]["step_instructions"] - arms["base counted"]["step_instructions"]
            hits += more == arms["new counted"]["step_repeats"]
    if counted:
        print(f"\n+1 instruction: found, and found to be 1 in each kmalloc, in {hits} of "
              f"{len(counted)} gates of one counted sample per arm "
              f"({lib.median([r['wall_s'] for r in counted]):.1f} s each)")
    print(f"\nwall time {sum(r['wall_s'] for r in log.runs):.0f} s")


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
verbs = parser.add_subparsers(dest="verb", required=True)
one = verbs.add_parser("run")
one.add_argument("dir")
one.add_argument("--runs", type=int, default=60)
one.add_argument("--counted", type=int, default=30)
one.add_argument("--minutes", type=float, default=60)
one.add_argument("--scratch", default="/tmp/nolock-studies")
verbs.add_parser("table").add_argument("dir")
options = parser.parse_args()
{"run": run, "table": table}[options.verb](options)
