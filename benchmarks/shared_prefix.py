#!/usr/bin/env python3
"""Compares servers under requests that share a prefix, by one client, in turns.

Each server is started once and idles while it is not its turn. A sample is one `drawbridge bench serve` at one number
of concurrent requests; every sample has words of its own, so that nothing is cached from an earlier one but what the
two warm-up requests bring. In a round the servers take turns test by test (A B, in the next round B A). A sample during
which other programs used more than --foreign of one CPU is marked as disturbed.

    benchmarks/shared_prefix.py --out OUT.json [--tests c1,c8] [--servers drawbridge] [--rounds 3] [--budget S]
    benchmarks/shared_prefix.py --out OUT.json --report

The same command goes on where it was stopped. Figures are of the whole sample: time to first token from when a request
was due, output tokens over the time from the first request to the last answer. Needs Linux and Python, nothing else.
"""
import argparse
import datetime
import json
import pathlib
import resource
import statistics
import subprocess
import tempfile
import time
import urllib.request

from side_by_side import (OURS, ROOT, Record, chosen, cpu_seconds, process_seconds, spread, spread_text, turns,
                          wait_quiet)

METRICS = {"ttft_p50_s": "TTFT p50, s", "ttft_p95_s": "TTFT p95, s", "output_tok_s": "output tokens/s"}


class Server:
    """A process that serves the model at a port of its own."""

    def __init__(self, name, spec, port, args):
        self.name, self.url = name, f"http://127.0.0.1:{port}"
        words = {"{peers}": str(args.peers), "{build}": str(args.build), "{port}": str(port)}
        self.command = [self._filled(word, words) for word in spec["command"]]
        self.log = tempfile.NamedTemporaryFile("w", prefix=f"shared-prefix-{name}-", suffix=".log", delete=False)
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=subprocess.STDOUT)
        self._wait_ready()

    @staticmethod
    def _filled(word, words):
        for key, value in words.items():
            word = word.replace(key, value)
        return word

    def _wait_ready(self):
        end = time.monotonic() + 120
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with urllib.request.urlopen(self.url + "/health", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                pass
            time.sleep(0.2)
        raise SystemExit(f"{self.name} does not answer; it said: {self.log.name}")

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def percentile(values, share):
    """By linear interpolation, as numpy's default."""
    values = sorted(values)
    place = share * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (place - low) * (values[high] - values[low])


def figures_of(directory):
    """Of the records of a sample: whoever failed makes it invalid."""
    lines = [json.loads(line) for line in next(directory.glob("records-*.jsonl")).read_text().splitlines()]
    answers = [r for r in lines if "due_us" in r and not r.get("warmup")]
    failed = [r["error"] for r in answers if "error" in r]
    if failed or not answers:
        raise SystemExit(f"{len(failed)} of {len(answers)} requests failed: {failed[:1]}")
    ttft = [(r["first_token_us"] - r["due_us"]) / 1e6 for r in answers]
    seconds = (max(r["end_us"] for r in answers) - min(r["due_us"] for r in answers)) / 1e6
    cached = [r["cached_reported"] / r["prompt_reported"] for r in answers if "cached_reported" in r]
    return {
        "ttft_p50_s": round(percentile(ttft, 0.5), 4), "ttft_p95_s": round(percentile(ttft, 0.95), 4),
        "output_tok_s": round(sum(r["output_reported"] for r in answers) / seconds, 2),
        "cached_share": round(statistics.mean(cached), 4) if cached else None,
        "seconds": round(seconds, 2), "n": len(answers), "ttft_s": [round(t, 4) for t in ttft],
    }


def client_command(server, test, plan, args, out):
    return [str(args.build / "drawbridge"), "bench", "serve", "--url", server.url, *plan["client"],
            "--concurrency", str(test["concurrency"]), "--num-prompts", str(test["requests"]), "--out", str(out)]


def take_sample(server, test, plan, args):
    wait_quiet(args.quiet_wait)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    before, own = cpu_seconds(), process_seconds(server.process.pid)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as out:
        ran = subprocess.run(client_command(server, test, plan, args, out), capture_output=True, text=True, check=False)
        if ran.returncode != 0:
            raise SystemExit(f"{server.name}: the client failed: {ran.stderr[-2000:]}")
        figures = figures_of(pathlib.Path(out))
    seconds, after = time.monotonic() - start, cpu_seconds()
    own = process_seconds(server.process.pid) - own
    client = resource.getrusage(resource.RUSAGE_CHILDREN)
    client_s = client.ru_utime + client.ru_stime - children.ru_utime - children.ru_stime
    foreign = (after[0] - before[0] - own - client_s) / seconds
    steal = (after[1] - before[1]) / seconds
    return figures | {"client": round(client_s / seconds, 4), "foreign": round(foreign, 3), "steal": round(steal, 3),
                      "clean": foreign <= args.foreign and steal <= args.foreign,
                      "at": datetime.datetime.now().isoformat(timespec="seconds")}


def missing_samples(tests, names, record, rounds):
    return [(r, test, name) for r in range(rounds) for test in tests for name in turns(names, r)
            if all(s["round"] != r for s in record.samples(test["name"], name))]


def run_rounds(plan, tests, names, record, args):
    missing = missing_samples(tests, names, record, args.rounds)
    servers = {}
    start = time.monotonic()
    try:
        for i, name in enumerate(sorted({name for _, _, name in missing})):
            servers[name] = Server(name, plan["servers"][name], args.port + i, args)
            record.data["servers"][name] = servers[name].command
        record.data["client"] = plan["client"]
        for r, test, name in missing:
            if time.monotonic() - start > args.budget:
                print("the budget is spent; the same command goes on from here")
                break
            sample = take_sample(servers[name], test, plan, args) | {"round": r}
            record.samples(test["name"], name).append(sample)
            record.save()
            shown = ", ".join(f"{title} {sample[key]:.3f}" for key, title in METRICS.items())
            print(f"round {r}  {test['name']:4} {name:12} {shown}, cached {sample['cached_share']}, "
                  f"foreign {sample['foreign']:.2f}{'' if sample['clean'] else '  DISTURBED'}", flush=True)
    finally:
        for server in servers.values():
            server.stop()


def ratios(ours, other, metric):
    """Ours over the other's, of rounds that both have."""
    theirs = {sample["round"]: sample[metric] for sample in other}
    return [sample[metric] / theirs[sample["round"]] for sample in ours if sample["round"] in theirs]


def summarize(record):
    summary = {}
    for test, servers in record.data["samples"].items():
        for name, samples in servers.items():
            if not samples:
                continue
            row = {metric: spread([s[metric] for s in samples]) for metric in METRICS}
            row["n_clean"] = sum(s["clean"] for s in samples)
            row["cached_share"] = samples[-1]["cached_share"]
            if name != OURS and servers.get(OURS):
                row["ours_over_it"] = {metric: spread(ratios(servers[OURS], samples, metric)) for metric in METRICS}
            summary.setdefault(test, {})[name] = row
    record.data["summary"] = summary
    record.save()
    return summary


def report(record):
    """A Markdown table of the medians over rounds with their ranges, and our ratio to each round by round."""
    print("\n| Test | Server | " + " | ".join(METRICS.values()) + " | cached | clean | drawbridge over it: "
          + ", ".join(METRICS.values()) + " |\n|---|---|" + "---|" * len(METRICS) + "--:|--:|---|")
    for test, servers in summarize(record).items():
        for name, row in servers.items():
            cells = [spread_text(row[metric], "{:.3f}") for metric in METRICS]
            over = row.get("ours_over_it")
            ours = "; ".join(spread_text(over[metric], "{:.2f}") for metric in METRICS) if over else ""
            cached = "not said" if row["cached_share"] is None else f"{100 * row['cached_share']:.0f} %"
            print(f"| {test} | {name} | {' | '.join(cells)} | {cached} | {row['n_clean']}/{row['output_tok_s']['n']} | "
                  f"{ours} |")


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--plan", type=pathlib.Path, default=ROOT / "benchmarks/peers/shared_prefix.json")
    parser.add_argument("--peers", type=pathlib.Path, default=pathlib.Path("/tmp/peer"), help="{peers} of the plan")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release", help="{build} of the plan")
    parser.add_argument("--port", type=int, default=8931, help="of the first server; the others follow")
    parser.add_argument("--tests", help="comma-separated names; absent: all of the plan")
    parser.add_argument("--servers", help="comma-separated names; absent: all of the plan")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--budget", type=float, default=1e9, help="seconds after which no further sample is begun")
    parser.add_argument("--foreign", type=float, default=0.1, help="CPUs that others may use during a sample")
    parser.add_argument("--quiet-wait", type=float, default=45, help="seconds to wait for a quiet machine, at most")
    parser.add_argument("--report", action="store_true", help="only print what OUT holds")
    return parser.parse_args()


def main():
    args = read_arguments()
    plan = json.loads(args.plan.read_text())
    record = Record(args.out, servers={}, client=[])
    by_name = {test["name"]: test for test in plan["tests"]}
    if not args.report:
        tests = [by_name[name] for name in chosen(args.tests, list(by_name), "tests")]
        run_rounds(plan, tests, chosen(args.servers, list(plan["servers"]), "servers"), record, args)
    report(record)


if __name__ == "__main__":
    main()
