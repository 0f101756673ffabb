#!/usr/bin/env python3
"""False alarms on identical code: live comparisons of an object with a copy of itself.

  Benchmarks/studies/aa.py run DIR --machine idle|loaded [--runs N] [--minutes M]
  Benchmarks/studies/aa.py table DIR

Each run is one `nolock compare --measure-identical` of three cells, by turns with 1 and 2 threads,
stopped by the normal rule: three comparisons.  `loaded` runs lib.load() beside it.  `table` recomputes
everything from DIR/samples.jsonl.gz.  An interrupted study goes on where it stopped.
"""
import argparse, time
import lib


def run(o):
    log = lib.Log(o.dir)
    base, copy = lib.objects(o.scratch)
    ends = time.time() + 60 * o.minutes
    beside = lib.load() if o.machine == "loaded" else []
    try:
        for number in range(o.runs):
            if log.has(machine_is=o.machine, number=number):
                continue
            if time.time() > ends:
                break
            log.run(["compare", "rev:" + base, "rev:" + copy, "--measure-identical",
                     "--budget", o.budget, "-p", f"threads={1 + number % 2}"],
                    machine_is=o.machine, number=number)
    finally:
        for child in beside:
            child.kill()
            child.wait()


def habitual(values_a, values_b):
    """What the habitual designs would say of the same samples: {design: alarm}.

    All A then all B: the first 20 samples of one arm against 20 of the other *that ran later*, as a
    sequential run gives them: here blocks 0…19 of A against the last 20 blocks of B.
    """
    from scipy.stats import mannwhitneyu, ttest_ind
    n = min(20, len(values_a) // 2)
    a, b = values_a[:n], values_b[-n:]
    if n < 5:
        return None
    change = lib.median(b) / lib.median(a) - 1
    p = mannwhitneyu(a, b).pvalue
    return {
        "package-benchmark: p50 moved by more than 5 %": abs(change) > 0.05,
        "google/benchmark compare.py: U test p < 0.05": p < 0.05,
        "benchstat: U test p < 0.05, 10 and 10": mannwhitneyu(a[:10], b[-10:]).pvalue < 0.05,
        "Welch's t test p < 0.05": ttest_ind(a, b, equal_var=False).pvalue < 0.05}


def table(o):
    log = lib.Log(o.dir)
    samples = log.samples()
    rows, others = {}, {}
    for r in log.runs:
        base, arm = r["arms"]
        for cell, looks in r["looks"].items():
            blocks = samples.get((r["run"], cell), {})
            said, used = lib.verdict(lib.ratios(blocks, arm, base), looks, r["decisions"])
            row = rows.setdefault((r["machine_is"], cell), {"blocks": 0, "n": 0})
            row[said] = row.get(said, 0) + 1
            row["blocks"] += used
            row["n"] += 1
            ns = [[b[x]["foreground_ns"] / b[x]["operations"] for _, b in sorted(blocks.items())
                   if base in b and arm in b] for x in (base, arm)]
            found = habitual(ns[0], ns[1])
            for design, alarm in (found or {}).items():
                hit = others.setdefault((r["machine_is"], design), [0, 0])
                hit[0] += alarm
                hit[1] += 1
    print("| machine | cell | comparisons | alarms | same | inconclusive | blocks, mean |")
    print("|:--|:--|--:|--:|--:|--:|--:|")
    total = {}
    for (where, cell), row in sorted(rows.items()):
        alarms = row.get("slower", 0) + row.get("faster", 0)
        for key in (where, "all"):
            t = total.setdefault(key, [0, 0])
            t[0] += alarms
            t[1] += row["n"]
        print(f"| {where} | {cell} | {row['n']} | {alarms} | {row.get('same', 0)} "
              f"| {row.get('inconclusive', 0)} | {row['blocks'] / row['n']:.0f} |")
    print()
    for key, (alarms, n) in total.items():
        print(f"{key}: {alarms} alarms in {n} comparisons, at most {lib.bound(alarms, n).high:.2%} "
              "(Clopper–Pearson, 95 %)")
    print(f"\nwall time {sum(r['wall_s'] for r in log.runs):.0f} s, mean "
          f"{sum(r['wall_s'] for r in log.runs) / len(log.runs):.1f} s per run of three cells\n")
    print("| machine | habitual design on the same samples | comparisons | alarms |")
    print("|:--|:--|--:|--:|")
    for (where, design), (alarms, n) in sorted(others.items()):
        print(f"| {where} | {design} | {n} | {alarms} ({alarms / n:.0%}) |")


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
verbs = parser.add_subparsers(dest="verb", required=True)
one = verbs.add_parser("run")
one.add_argument("dir")
one.add_argument("--machine", choices=["idle", "loaded"], required=True)
one.add_argument("--runs", type=int, default=70)
one.add_argument("--minutes", type=float, default=60)
one.add_argument("--budget", default="20s")
one.add_argument("--scratch", default="/tmp/nolock-studies")
verbs.add_parser("table").add_argument("dir")
options = parser.parse_args()
{"run": run, "table": table}[options.verb](options)
