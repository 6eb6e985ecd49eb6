#!/usr/bin/env python3
"""Times several engines on one model in turn, on a machine that is not always quiet.

An entrant is a resident process that speaks benchmarks/peers/protocol.h. In a round the entrants take turns test by
test (A B C, in the next round B C A). A sample during which other programs used more than --foreign of one CPU, or the
hypervisor took more than --steal of one, is taken again, up to --tries times; then the least disturbed is kept and
marked. Before and after each sample a probe measures what the machine gives at that moment, and the floor that a
sample is compared with is computed from that.

    benchmarks/side_by_side.py --out OUT.json [--tests pp512,b8@0] [--entrants ik,drawbridge] [--rounds 5] [--budget S]
    benchmarks/side_by_side.py --out OUT.json --startup
    benchmarks/side_by_side.py --out OUT.json --report

The same command goes on where it was stopped: OUT keeps every sample, and a round that is there is not run again.
Needs Linux and Python, nothing else.
"""
import argparse
import datetime
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
OURS = "drawbridge"


def cpu_seconds():
    """(used by all programs, stolen by the hypervisor) since boot, CPU-seconds."""
    with open("/proc/stat") as stat:
        user, nice, system, _, _, irq, softirq, steal, *_ = map(int, stat.readline().split()[1:])
    return (user + nice + system + irq + softirq) / TICKS, steal / TICKS


def process_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def wait_quiet(limit_s):
    """Returns when a second passed in which hardly anything ran, or after limit_s."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        before = cpu_seconds()
        time.sleep(1)
        after = cpu_seconds()
        if after[0] - before[0] < 0.06 and after[1] - before[1] < 0.06:
            return


class Resident:
    """A process that answers each line with one JSON object."""

    def __init__(self, name, command):
        self.name = name
        self.log = tempfile.NamedTemporaryFile("w", prefix=f"side-by-side-{name}-", suffix=".log", delete=False)
        start = time.monotonic()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.ready = self._read("start")
        self.ready["start_s"] = round(time.monotonic() - start, 3)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self._read(line)

    def _read(self, asked):
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.name} ended on '{asked}'; it said: {self.log.name}")
        return json.loads(answer)

    def quit(self):
        try:
            self.process.stdin.write("quit\n")
            self.process.stdin.close()
            self.process.wait(30)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()


class Record:
    """What OUT holds; written anew after each sample."""

    def __init__(self, path, **empty):
        self.path = path
        self.data = json.loads(path.read_text()) if path.exists() else {"machine": machine(), "samples": {}, **empty}

    def samples(self, test, entrant):
        return self.data["samples"].setdefault(test, {}).setdefault(entrant, [])

    def save(self):
        scratch = self.path.with_suffix(".part")
        scratch.write_text(json.dumps(self.data, indent=1) + "\n")
        scratch.replace(self.path)


def machine():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    name = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")
    return {"cpu": name, "n_cpus": os.cpu_count(), "kernel": os.uname().release}


def floor_tps(test, probe):
    """Tokens per second at which the machine, as the probe found it, could do the test: the arithmetic of prefill at
    the int8 and (half of it) bf16 rates, or the bytes of a decoding step at the read bandwidth."""
    if "step_mb" in test:
        return test["step_tokens"] * probe["bw"] * 1e3 / test["step_mb"]
    return 1 / (test["int8_gop"] / probe["int8"] + test["bf16_gop"] / (probe["int8"] / 2))


def take_sample(entrant, probe, test):
    before_probe, before, own = probe.ask("p"), cpu_seconds(), process_seconds(entrant.process.pid)
    start = time.monotonic()
    answer = entrant.ask(test["command"])
    seconds = time.monotonic() - start
    after, own = cpu_seconds(), process_seconds(entrant.process.pid) - own
    after_probe = probe.ask("p")
    around = {key: (before_probe[key] + after_probe[key]) / 2 for key in ("int8", "bw")}
    return {
        "tps": round(answer["tps"], 3), "peak_mb": round(answer["peak_mb"]),
        "int8": round(around["int8"], 1), "bw": round(around["bw"], 2),
        "share_of_floor": round(answer["tps"] / floor_tps(test, around), 4),
        "foreign": round((after[0] - before[0] - own) / seconds, 3),
        "steal": round((after[1] - before[1]) / seconds, 3),
        "at": datetime.datetime.now().isoformat(timespec="seconds"),
    }


def cleanest_sample(entrant, probe, test, args):
    if "fill" in test:  # a disturbed fill may not spoil the sample after it
        entrant.ask(test["fill"])
    best = None
    for _ in range(args.tries):
        wait_quiet(args.quiet_wait)
        sample = take_sample(entrant, probe, test)
        sample["clean"] = sample["foreign"] <= args.foreign and sample["steal"] <= args.steal
        if best is None or sample["foreign"] + sample["steal"] < best["foreign"] + best["steal"]:
            best = sample
        if best["clean"]:
            break
    return best


def show(test, name, sample):
    print(f"round {sample['round']}  {test:12} {name:12} {sample['tps']:8.2f} tok/s  {100 * sample['share_of_floor']:5.1f} % "
          f"of floor  int8 {sample['int8']:4.0f} GOP/s  read {sample['bw']:4.1f} GB/s  foreign {sample['foreign']:.2f} "
          f"steal {sample['steal']:.2f}{'' if sample['clean'] else '  DISTURBED'}", flush=True)


def expand(command, args):
    return [word.replace("{peers}", str(args.peers)).replace("{build}", str(args.build)) for word in command]


def pairs_of(plan, tests, names):
    """The (test, entrant) pairs that the plan has among those asked for."""
    return {(test["name"], name) for test in tests for name in names
            if test["name"] in plan["entrants"][name].get("tests", [test["name"]])}


def start_entrants(plan, names, record, args):
    residents = {}
    for name in names:
        command = expand(plan["entrants"][name]["command"], args)
        residents[name] = Resident(name, command)
        record.data["entrants"][name] = {"command": command, "ready": residents[name].ready}
        residents[name].ask("pp 512")  # weights and buffers are touched before the first sample
        residents[name].ask("tg 0 8")
        print(f"{name}: {residents[name].ready}", flush=True)
    return residents


def turns(names, r):
    """The entrants in the order of round r."""
    turn = r % len(names)
    return names[turn:] + names[:turn]


def missing_samples(plan, tests, names, record, rounds):
    """(round, test, entrant) in the order to be run, without those that the record has."""
    pairs = pairs_of(plan, tests, names)
    return [(r, test, name) for r in range(rounds) for test in tests for name in turns(names, r)
            if (test["name"], name) in pairs and all(s["round"] != r for s in record.samples(test["name"], name))]


def run_rounds(plan, tests, names, record, args):
    missing = missing_samples(plan, tests, names, record, args.rounds)
    if not missing:
        return
    start = time.monotonic()
    probe = Resident("probe", expand(plan["probe"], args))
    needed = {name for _, _, name in missing}
    residents = start_entrants(plan, [name for name in names if name in needed], record, args)
    for r, test, name in missing:
        if time.monotonic() - start > args.budget:
            print("the budget is spent; the same command goes on from here")
            break
        sample = cleanest_sample(residents[name], probe, test, args) | {"round": r}
        record.samples(test["name"], name).append(sample)
        record.save()
        show(test["name"], name, sample)
    for resident in [*residents.values(), probe]:
        resident.quit()


def run_startup(plan, names, record, args):
    """Seconds from exec to the first computed token, files in the page cache, and the peak of memory until then."""
    for r in range(-1, args.rounds):
        for name in turns(names, r):
            wait_quiet(args.quiet_wait)
            resident = Resident(name, expand(plan["entrants"][name]["command"], args))
            resident.quit()
            if r < 0:  # fills the page cache
                continue
            started = {"start_s": resident.ready["start_s"], "peak_mb": round(resident.ready["peak_mb"])}
            record.data["startup"].setdefault(name, []).append(started)
            record.save()
            print(f"round {r}  start {name:12} {started['start_s']:.2f} s, peak {started['peak_mb']} MB", flush=True)


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "n": len(values)}


def ratios(ours, other):
    """Ours over the other's, of rounds that both have."""
    theirs = {sample["round"]: sample["tps"] for sample in other}
    return [sample["tps"] / theirs[sample["round"]] for sample in ours if sample["round"] in theirs]


def summarize(record):
    summary = {}
    for test, entrants in record.data["samples"].items():
        for name, samples in entrants.items():
            if not samples:
                continue
            row = {"tps": spread([s["tps"] for s in samples]), "n_clean": sum(s["clean"] for s in samples),
                   "share_of_floor": statistics.median(s["share_of_floor"] for s in samples),
                   "peak_mb": max(s["peak_mb"] for s in samples)}
            pairwise = ratios(entrants.get(OURS, []), samples) if name != OURS else []
            if pairwise:
                row["ours_over_it"] = spread(pairwise)
            summary.setdefault(test, {})[name] = row
    record.data["summary"] = summary
    record.save()
    return summary


def spread_text(values, form):
    return f"{form.format(values['median'])} [{form.format(values['min'])} to {form.format(values['max'])}]"


def report(record):
    """A Markdown table of the medians, ranges, shares of the floor, and our ratio to each peer round by round."""
    print("\n| Test | Entrant | tokens/s | clean | of the floor | drawbridge over it | peak, MB |\n|---|---|---|--:|--:|---|--:|")
    for test, entrants in summarize(record).items():
        for name, row in entrants.items():
            ratio = spread_text(row["ours_over_it"], "{:.2f}") if "ours_over_it" in row else ""
            print(f"| {test} | {name} | {spread_text(row['tps'], '{:.1f}')} | {row['n_clean']}/{row['tps']['n']} | "
                  f"{100 * row['share_of_floor']:.0f} % | {ratio} | {row['peak_mb']} |")
    for name, starts in record.data["startup"].items():
        seconds = spread([s["start_s"] for s in starts])
        print(f"start of {name}: {spread_text(seconds, '{:.2f}')} s, peak {max(s['peak_mb'] for s in starts)} MB")


def chosen(asked, known, what):
    names = asked.split(",") if asked else known
    for name in names:
        if name not in known:
            raise SystemExit(f"--{what}: wanted some of {','.join(known)}, found {name}")
    return names


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--plan", type=pathlib.Path, default=ROOT / "benchmarks/peers/plan.json")
    parser.add_argument("--peers", type=pathlib.Path, default=pathlib.Path("/tmp/peer"), help="{peers} of the plan")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release", help="{build} of the plan")
    parser.add_argument("--tests", help="comma-separated names; absent: all of the plan")
    parser.add_argument("--entrants", help="comma-separated names; absent: all of the plan")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--budget", type=float, default=1e9, help="seconds after which no further sample is begun")
    parser.add_argument("--foreign", type=float, default=0.05, help="CPUs that others may use during a sample")
    parser.add_argument("--steal", type=float, default=0.05, help="CPUs that the hypervisor may take during a sample")
    parser.add_argument("--tries", type=int, default=4)
    parser.add_argument("--quiet-wait", type=float, default=45, help="seconds to wait for a quiet machine, at most")
    parser.add_argument("--startup", action="store_true", help="time starting instead")
    parser.add_argument("--report", action="store_true", help="only print what OUT holds")
    return parser.parse_args()


def main():
    args = read_arguments()
    plan = json.loads(args.plan.read_text())
    record = Record(args.out, entrants={}, startup={})
    names = chosen(args.entrants, list(plan["entrants"]), "entrants")
    by_name = {test["name"]: test for test in plan["tests"]}
    tests = [by_name[name] for name in chosen(args.tests, list(by_name), "tests")]
    if args.startup:
        run_startup(plan, names, record, args)
    elif not args.report:
        run_rounds(plan, tests, names, record, args)
    report(record)


if __name__ == "__main__":
    main()
