"""What the study drivers share: running nolock, keeping its samples, and the recipe of harness.md
written a second time, independently of nolock's own code."""
import gzip, json, math, os, platform, subprocess, tempfile, time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ALPHA = 0.005
NOLOCK = os.environ.get("NOLOCK", str(ROOT / ".build/release/nolock"))
SAMPLE = os.environ.get("NOLOCK_SAMPLE", str(Path(NOLOCK).parent / "nolock-sample"))
KEPT = ("foreground_ns", "cpu_ns", "operations", "step_instructions", "step_repeats",
        "step_instructions_per_kmalloc", "step_instructions_per_kfree")


def machine():
    cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if "model name" in l), "?")
    return {"cpu": cpu, "cpus": os.cpu_count(), "kernel": platform.release(),
            "load_1min": os.getloadavg()[0],
            "commit": subprocess.run(["git", "-C", str(ROOT), "rev-parse", "HEAD"],
                                     capture_output=True, text=True).stdout.strip()}


class Log:
    """DIR/runs.jsonl (one line per live run) and DIR/samples.jsonl.gz; a run is kept whole or not."""
    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "runs.jsonl"
        self.runs = [json.loads(l) for l in open(path)] if path.exists() else []

    def has(self, **fields):
        return any(all(r.get(k) == v for k, v in fields.items()) for r in self.runs)

    def run(self, words, env=None, **fields):
        began = time.time()
        with tempfile.TemporaryDirectory() as out:
            command = [NOLOCK, *words, "-o", out + "/r"]
            ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT,
                                   env={**os.environ, "NOLOCK_SAMPLE": SAMPLE, **(env or {})})
            number = len(self.runs)
            run = {"run": number, **fields, "command": command[1:], "exit": ended.returncode,
                   "wall_s": round(time.time() - began, 3), "machine": machine()}
            if os.path.exists(out + "/r/comparison.json"):
                plan = json.load(open(out + "/r/comparison.json"))
                run["arms"] = [a["name"] for a in plan["arms"]]
                run["dilations"] = {c["id"]: c["dilations"] for c in plan["cells"]}
                run["looks"] = {c["id"]: (c["schedule"] or {"looks": []})["looks"]
                                for c in plan["cells"]}
                run["decisions"] = sum(len(c["metrics"]) for c in plan["cells"]) * len(plan["pairs"])
            if os.path.exists(out + "/r/gate.json"):
                run["gate"] = json.load(open(out + "/r/gate.json"))["lines"]
            if os.path.exists(out + "/r/samples.jsonl"):
                with gzip.open(self.folder / "samples.jsonl.gz", "at") as kept:
                    for line in open(out + "/r/samples.jsonl"):
                        s = json.loads(line)
                        v = {m["name"]: m["value"] for m in s["metrics"] if m["name"] in KEPT}
                        kept.write(json.dumps({"run": number, **{k: s[k] for k in (
                            "cell", "block", "attempt", "position", "status")}, **v}) + "\n")
        if not run.get("arms") and not ended.stdout:
            raise SystemExit(f"{command}: {ended.stderr}")
        self.runs.append(run)
        with open(self.folder / "runs.jsonl", "a") as lines:
            lines.write(json.dumps(run) + "\n")
        return run

    def samples(self):
        """{(run, cell): {block: {arm: sample}}} of the samples that are ok."""
        table = {}
        for line in gzip.open(self.folder / "samples.jsonl.gz", "rt"):
            s = json.loads(line)
            if s["status"] != "ok":
                continue
            cell, arm = s["cell"].removesuffix(" counted").rsplit(" ", 1)
            if s["cell"].endswith(" counted"):
                arm += " counted"
            table.setdefault((s["run"], cell), {}).setdefault(s["block"], {})[arm] = s
        return table


def ratios(blocks, arm, base):
    """Log-ratios of ns per operation by block, in order."""
    def ns(s):
        return s["foreground_ns"] / s["operations"]
    return [math.log(ns(b[arm]) / ns(b[base])) for _, b in sorted(blocks.items())
            if arm in b and base in b]


def median(values):
    x = sorted(values)
    return (x[(len(x) - 1) // 2] + x[len(x) // 2]) / 2


def interval(values, confidence):
    """The order-statistic interval of the median (the sign test inverted); None if too few."""
    n, x = len(values), sorted(values)
    tail, k = 0.0, 0
    while 2 * (k + 1) <= n:
        tail += math.comb(n, k) / 2.0 ** n
        if 1 - 2 * tail < confidence:
            break
        k += 1
    return (x[k - 1], x[n - k]) if k else None


def layout_floor(values, layouts):
    """How far the layouts' medians are apart beyond what the noise of so few blocks gives; 0 where
    fewer than two layouts have three blocks."""
    groups = [g for g in ([v for v, l in zip(values, layouts) if l == one] for one in set(layouts))
              if len(g) >= 3]
    if len(groups) < 2:
        return 0.0
    middles = [median(g) for g in groups]
    deviations = [abs(v - m) for g, m in zip(groups, middles) for v in g]
    expected = (1.13, 1.69, 2.06, 2.33, 2.53, 2.70, 2.85)[min(len(groups), 8) - 2]
    noise = (expected * 1.2533 * 1.4826 * median(deviations)
             / math.sqrt(len(deviations) / len(groups)))
    return math.sqrt(max(0.0, (max(middles) - min(middles)) ** 2 - noise ** 2))


def finding(values, level, margin, layouts=(), last=True):
    """(verdict, interval, floor) of one look, in the words of harness.md; layouts: of each arm with
    several, by block, the one it was drawn in; the floor widens the margin at the last look only."""
    found = interval(values, level)
    floor = max((layout_floor(values, drawn) for drawn in layouts), default=0.0)
    if not found:
        return "inconclusive", None, floor
    within = max(margin, floor) if last else margin
    if -within <= found[0] and found[1] <= within:
        return "same", found, floor
    if (found[0] > 0 or found[1] < 0) and abs(median(values)) >= floor:
        return ("slower" if median(values) > 0 else "faster"), found, floor
    return "inconclusive", found, floor


def verdict(values, looks, decisions, margin=math.log(1.02), layouts=()):
    """(verdict, blocks used) by the first look that decides."""
    level = 1 - ALPHA / (max(1, len(looks)) * decisions)
    reached = [n for n in looks if n <= len(values)]
    for look in reached:
        said = finding(values[:look], level, margin, [x[:look] for x in layouts],
                       look == reached[-1])[0]
        if said != "inconclusive":
            return said, look
    return "inconclusive", len(values)


MASK = (1 << 64) - 1


def fnv1a(text):
    h = 0xCBF29CE484222325
    for byte in text.encode():
        h = (h ^ byte) * 0x100000001B3 & MASK
    return h


def splitmix(seed):
    """The first number of SplitMix64."""
    z = (seed + 0x9E3779B97F4A7C15) & MASK
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    return z ^ (z >> 31)


def layout(plan, cell, block, arm):
    """The layout that a block drew for an arm (no copy of a gate)."""
    seed = splitmix(plan["seed"] ^ fnv1a("\x1f".join(["layout", cell, str(block), str(arm)])))
    return splitmix(seed) % max(1, len(plan["arms"][arm]["objects"]))


def objects(folder, *extra):
    """The working tree's sheaves and a copy of it, built once for a study."""
    base = Path(folder) / "subject.so"
    if not base.exists():
        Path(folder).mkdir(parents=True, exist_ok=True)
        subprocess.run([ROOT / "scripts/build-subject", base], check=True)
        (Path(folder) / "copy.so").write_bytes(base.read_bytes())
    return str(base.resolve()), str((Path(folder) / "copy.so").resolve())


def shim(folder, rules):
    """A program between nolock and nolock-sample that changes what an arm is given; nolock does not
    know.  rules: C statements over `path` (the shared object) and `*dilation`, `path` writable."""
    offsets = subprocess.run(
        ["clang", "-x", "c", "-", "-I", ROOT / "Sources/CRecords/include", "-o", f"{folder}/shim"],
        input=r"""
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "records.h"
int main(int argc, char **argv) {
  char *real = getenv("REAL_SAMPLE");
  if (argc > 1) { execv(real, argv); return 1; }
  static struct nl_plan_entry e;
  size_t got = 0;
  for (ssize_t n; got < sizeof e && (n = read(0, (char *)&e + got, sizeof e - got)) > 0;) got += n;
  char *path = e.object_path; double *dilation = &e.dilation; (void)path; (void)dilation;
  RULES
  int fd = memfd_create("entry", 0);
  if (write(fd, &e, sizeof e) != (ssize_t)sizeof e) return 1;
  lseek(fd, 0, SEEK_SET);
  dup2(fd, 0);
  execv(real, argv);
  return 1;
}""".replace("RULES", rules), text=True, check=True)
    return {"NOLOCK_SAMPLE": f"{folder}/shim", "REAL_SAMPLE": SAMPLE}


def load():
    """The stated load generator: one busy shell loop per CPU, each about half of the time."""
    code = "import time\nwhile True:\n  t=time.time()\n  while time.time()-t<.02: pass\n  time.sleep(.02)"
    return [subprocess.Popen(["python3", "-c", code]) for _ in range(os.cpu_count())]


def bound(failures, n):
    from scipy.stats import binomtest
    return binomtest(failures, n).proportion_ci(0.95, method="exact")
