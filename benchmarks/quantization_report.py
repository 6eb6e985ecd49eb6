#!/usr/bin/env python3
"""What each recipe, scale rule, activation mode and cache type costs the bundled model: quantizes it every way, asks
every result the same 4,000 held-out sums, reads the same held-out text, and writes docs/reports/quantization.md with a
page for each way. Needs nothing but a release build.

    benchmarks/quantization_report.py [--work DIR] [--questions N]
"""
import argparse
import gzip
import json
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
DRAWBRIDGE = ROOT / "build/release/drawbridge"
MODEL = pathlib.Path("models/glm52-nano")  # below ROOT, so that reports name no machine's path
REPORTS = ROOT / "docs/reports"
MARGIN = 0.01

BF16 = ["--activation", "bf16"]  # what the weights alone cost; "auto" takes int8 beside MXFP4

# name: (options of quantize, options of the run), the baseline being the bf16 model with neither.
WAYS = {
    "amd-even": (["--recipe", "amd"], BF16),
    "amd-floor": (["--recipe", "amd", "--scale-rule", "floor"], BF16),
    "amd-ceil": (["--recipe", "amd", "--scale-rule", "ceil"], BF16),
    "amd-search": (["--recipe", "amd", "--scale-rule", "search"], BF16),
    "experts": (["--recipe", "experts"], BF16),
    "experts+fp8": (["--recipe", "experts+fp8"], BF16),
    "all-even": (["--recipe", "all"], BF16),
    # The MTP layer is not calibrated: its matrices are searched with equal weights.
    "all-search": (["--recipe", "all", "--scale-rule", "search", "--allow-uncalibrated"], BF16),
    "amd, int8 inputs": (["--recipe", "amd"], ["--activation", "int8"]),
    "amd, mxfp8 inputs": (["--recipe", "amd"], ["--activation", "mxfp8"]),
    "amd, mxfp4 inputs": (["--recipe", "amd"], ["--activation", "mxfp4"]),
    "bf16, fp8_ds_mla cache": (None, ["--kv-cache-dtype", "fp8_ds_mla"]),
    "amd, fp8_e4m3 cache": (["--recipe", "amd"], [*BF16, "--kv-cache-dtype", "fp8_e4m3"]),
}


def drawbridge(*args):
    return subprocess.run([DRAWBRIDGE, *map(str, args)], check=True, capture_output=True, text=True,
                          cwd=ROOT).stdout


def write_questions(path, limit):
    with path.open("w") as out:
        for kind in ("one_step", "two_step"):
            lines = gzip.open(ROOT / f"training/data/heldout_{kind}.jsonl.gz", "rt").read().splitlines()
            for i, line in enumerate(lines[:limit] if limit else lines):
                item = json.loads(line)
                messages = [{"role": "user", "content": item["question"]}]
                row = {"id": f"{kind}-{i:04}", "messages": messages, "answer": str(item["result"])}
                out.write(json.dumps(row) + "\n")


def write_text(path):
    lines = gzip.open(ROOT / "training/data/heldout_text.jsonl.gz", "rt").read().splitlines()
    path.write_text("".join("<|document|>" + json.loads(line)["text"] for line in lines))


def weight_bytes(directory):
    return sum(f.stat().st_size for f in (ROOT / directory).glob("*.safetensors"))


def quantized(work, stats, options):
    """The directory of the model quantized with these options; made once."""
    if options is None:
        return MODEL
    target = work / ("model-" + "-".join(o.strip("-") for o in options))
    if not target.exists():
        drawbridge("quantize", MODEL, target, *options, "--calibration", stats)
    return target


def ask(work, name, model, run_options):
    out = work / name.replace(" ", "-").replace(",", "")
    drawbridge("eval", "run", "jsonl", "--data", work / "sums.jsonl", "--filter", "strict-match", "--model", model,
               "--label", name, "-o", out, *run_options)
    return out.with_name(out.name + ".json")


HEADER = """# What quantization costs the bundled model

`models/glm52-nano` (bf16) against each recipe, scale rule, input codec and cache type, written by
`benchmarks/quantization_report.py` on {cpu}; {n_items:,} held-out sums, greedy, thinking off, answered by the bf16
model at {baseline:.2f} %; {n_tokens:,} predictions on held-out text, windows of {context:,} tokens, perplexity of the bf16
model {perplexity:.2f}. Router and indexer are compared on the same tokens as the text. `search` and the cache scales use
statistics of training/data/calibration.txt.

"Lossless" is claimed nowhere. *Non-inferior* says that the one-sided 95 % bound of the paired difference excludes a loss
of {margin:.0f} point on these sums; *not shown* that it does not. An interval that excludes 0 is a real difference all the same.
Sums of this kind are what the model was trained on: they say little about other tasks, and nothing about GLM-5.2. Each name leads to a page with plots.

| Way | Weights, MB | Perplexity ratio (95 %) | KL mean | KL p99 | KL max | Top-1 equal, % | Expert sets equal, % | Index overlap (Jaccard), % | Sums right, % | Difference, points (95 %) | Lost / won | Verdict |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|
"""


def row_of(name, page, model, distance, task):
    p = task["paired"]
    low, high = p["interval"]
    ratio = distance["candidate_perplexity"] / distance["reference_perplexity"]
    kl, (ratio_low, ratio_high) = distance["kl"], distance["perplexity_ratio_95"]
    return (f"| [{name}]({page.name}) | {weight_bytes(model) / 1e6:.2f} | "
            f"{ratio:.4f} ({ratio_low:.4f} to {ratio_high:.4f}) | {kl['mean']:.5f} | {kl['p99']:.4f} | {kl['max']:.3f} | "
            f"{100 * distance['top1_equal']:.2f} | {100 * distance['experts']['equal']:.2f} | "
            f"{100 * distance['indices']['jaccard']:.2f} | {100 * task['candidate']['value']:.2f} | "
            f"{100 * p['difference']:+.2f} ({100 * low:+.2f} to {100 * high:+.2f}) | "
            f"{len(task['lost'])} / {len(task['won'])} | {p['verdict']} |\n")


def cpu_name():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("/tmp/drawbridge-report"))
    parser.add_argument("--questions", type=int, default=0, help="of each kind; 0: all 2,000")
    args = parser.parse_args()
    args.work = args.work.resolve()
    args.work.mkdir(parents=True, exist_ok=True)
    REPORTS.mkdir(parents=True, exist_ok=True)
    write_questions(args.work / "sums.jsonl", args.questions)
    write_text(args.work / "text.txt")
    stats = args.work / "stats.safetensors"
    if not stats.exists():
        drawbridge("calibrate", "--model", MODEL, "--text", ROOT / "training/data/calibration.txt", "--out", stats)
    baseline = ask(args.work, "bf16", MODEL, [])
    rows, first = [], None
    for name, (quantize_options, run_options) in WAYS.items():
        model = quantized(args.work, stats, quantize_options)
        page = REPORTS / (name.replace(" ", "-").replace(",", "") + ".html")
        result = ask(args.work, name, model, run_options)
        compared = json.loads(drawbridge("eval", "compare", baseline, result, "--margin", MARGIN, "--json"))
        measured = json.loads(drawbridge("eval", "distance", "--reference", MODEL, "--model", model, "--text",
                                         args.work / "text.txt", "--json", "--html", page, *run_options))
        task, distance = compared["comparison"]["tasks"][0], measured["distribution"]
        rows.append(row_of(name, page, model, distance, task))
        first = first or (task, distance)
        print(rows[-1], end="", flush=True)
    task, distance = first
    text = HEADER.format(cpu=cpu_name(), n_items=task["baseline"]["n_items"], baseline=100 * task["baseline"]["value"],
                         n_tokens=distance["n_tokens"], context=distance["context"],
                         perplexity=distance["reference_perplexity"], margin=100 * MARGIN)
    (REPORTS / "quantization.md").write_text(text + "".join(rows))


if __name__ == "__main__":
    main()
