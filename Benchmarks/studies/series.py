#!/usr/bin/env python3
"""What `nolock series` said, again from its samples.

  Benchmarks/studies/series.py table DIR

DIR holds comparison.json (what was planned), series.json (what nolock said) and samples.jsonl.gz; a
series whose patches all build the same bytes has no samples.  Prints every comparison by lib.py's
writing of the recipe and whether nolock said the same; ends with 1 where it did not.
"""
import argparse, gzip, json, math, sys
from pathlib import Path
import lib


def whole_blocks(folder, plan):
    """{cell: {block: {arm: ns per operation}}}: last attempts, without blocks that are not whole."""
    names = {a["name"]: i for i, a in enumerate(plan["arms"])}
    last = {}
    for line in gzip.open(folder / "samples.jsonl.gz", "rt"):
        s = json.loads(line)
        cell, arm = s["cell"].split(" ", 1)
        here = last.setdefault(cell, {}).setdefault(s["block"], {})
        if s["attempt"] >= here.get("attempt", 0):
            if s["attempt"] > here.get("attempt", 0):
                here.clear()
            here["attempt"] = s["attempt"]
            m = {x["name"]: x["value"] for x in s["metrics"]}
            here[names[arm]] = m["foreground_ns"] / m["operations"] if s["status"] == "ok" else None
    return {cell: {number: b for number, b in sorted(blocks.items())
                   if all(b.get(i) is not None for i in range(len(names)))}
            for cell, blocks in last.items()}


def lines(report):
    """Every line of a series' report; the same comparison may stand in several."""
    effects = [e for v in report["versions"] for p in v["patches"] for e in p["effects"]]
    return [line for e in effects for line in (e["patch"], e["cumulative"]) if line] + [
        line for match in report["matches"] for line in match["lines"]]


def change(x):
    return f"{100 * (math.exp(x) - 1):+.2f} %"


def compare(folder, stored):
    """Every comparison again; how many are as stored."""
    plan = json.load(open(folder / "comparison.json"))
    blocks = whole_blocks(folder, plan)
    decisions = sum(len(c["metrics"]) for c in plan["cells"]) * len(plan["pairs"])
    names = [a["name"] for a in plan["arms"]]
    agree = total = 0
    for cell in plan["cells"]:
        looks, own = (cell["schedule"] or {"looks": []})["looks"], blocks.get(cell["id"], {})
        margin = math.log(1 + cell["metrics"][0]["limit"])
        level = 1 - lib.ALPHA / (max(1, len(looks)) * decisions)
        print(f"\n{cell['id']}: {len(own)} blocks\n")
        print("| arm | against | median | interval | blocks | floor | verdict | as stored |")
        print("|:--|:--|--:|--:|--:|--:|:--|:--|")
        for pair in plan["pairs"]:
            arm, base = pair["arm"], pair["base"]
            values = [math.log(b[arm] / b[base]) for b in own.values()]
            layouts = [[lib.layout(plan, cell["id"], n, side) for n in own] for side in (arm, base)
                       if len(plan["arms"][side]["objects"]) > 1]
            _, used = lib.verdict(values, looks, decisions, margin, layouts)
            used = max((n for n in looks if n <= used), default=len(values))
            said, ends, floor = lib.finding(
                values[:used], level, margin, [x[:used] for x in layouts])
            kept = stored.pop((cell["id"], names[arm], names[base]))
            same = (kept["verdict"], kept["blocks"]) == (said, used) and all(
                abs(math.log(kept[k]) - x) < 1e-9 for k, x in zip(("low", "high"), ends or ()))
            agree, total = agree + same, total + 1
            print(f"| {names[arm]} | {names[base]} | {change(lib.median(values[:used]))} "
                  f"| {' … '.join(map(change, ends)) if ends else '–'} | {used} "
                  f"| {100 * (math.exp(floor) - 1):.2f} % | {said} "
                  f"| {'yes' if same else 'no: ' + kept['verdict']} |")
    return agree, total


def layouts(folder):
    """The medians of each arm by layout: a layout that stands out is not the patch's."""
    plan = json.load(open(folder / "comparison.json"))
    for cell, own in whole_blocks(folder, plan).items():
        count = max(len(a["objects"]) for a in plan["arms"])
        print(f"\n{cell}: quarter and median of ns per operation, by layout\n")
        print("| arm | " + " | ".join(f"layout {n + 1}" for n in range(count)) + " |")
        print("|:--|" + "--:|" * count)
        for arm, a in enumerate(plan["arms"]):
            drawn = [sorted(b[arm] for n, b in own.items() if lib.layout(plan, cell, n, arm) == one)
                     for one in range(count)]
            print(f"| {a['name']} | " + " | ".join(
                f"{v[len(v) // 4]:.2f}, {lib.median(v):.2f}" if v else "–" for v in drawn) + " |")


def table(o):
    folder = Path(o.dir)
    every = lines(json.load(open(folder / "series.json")))
    stored = {(x["cell"], x["arm"], x["base"]): x for x in every if not x["identical"]}
    agree = total = 0
    if (folder / "samples.jsonl.gz").exists():
        agree, total = compare(folder, stored)
        layouts(folder)
    print()
    if total:
        print(f"recomputed from the samples: the same verdict, blocks and interval in {agree} of "
              f"{total} comparisons")
    if stored:
        print(f"{len(stored)} comparisons have no samples")
    print(f"{sum(x['identical'] for x in every)} of {len(every)} lines of the report are of builds equal "
          "to the byte: not measured")
    return agree == total and not stored


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
verbs = parser.add_subparsers(dest="verb", required=True)
verbs.add_parser("table").add_argument("dir")
sys.exit(not table(parser.parse_args()))
