#!/usr/bin/env python3
"""What each input codec (--activation) costs the bundled model once its weights are MXFP4: perplexity and divergence on
the held-out text against the same weights with bf16 inputs, written as JSON. Needs nothing but a release build.

    benchmarks/activation_quality.py --out OUT.json [--work DIR]
"""
import argparse
import json
import pathlib

from quantization_report import MODEL, ROOT, cpu_name, drawbridge, write_text

MODES = ("int8", "mxfp8", "mxfp4")
RECIPES = ("amd", "all")  # experts in MXFP4; every matrix
TOLERANCE = 0.001  # of perplexity


def verdict(interval):
    """Whether perplexity rises by more than TOLERANCE, by the 95 % interval of its ratio."""
    low, high = interval
    if high <= 1 + TOLERANCE:
        return "no"
    return "yes" if low > 1 + TOLERANCE else "not shown"


def measure(model, text, mode):
    answer = json.loads(drawbridge("eval", "distance", "--reference", model, "--model", model, "--text", text,
                                   "--activation", mode, "--canaries", 0, "--json"))["distribution"]
    keys = ("n_tokens", "context", "reference_perplexity", "candidate_perplexity", "perplexity_ratio_95", "top1_equal")
    row = {key: answer[key] for key in keys}
    row["perplexity_ratio"] = answer["candidate_perplexity"] / answer["reference_perplexity"]
    row["kl"] = {key: answer["kl"][key] for key in ("mean", "p99", "max")}
    row["experts_equal"] = answer["experts"]["equal"]
    row["loses_more_than_a_thousandth"] = verdict(answer["perplexity_ratio_95"])
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("/tmp/drawbridge-activation"))
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    text = args.work.resolve() / "text.txt"
    write_text(text)
    rows = {}
    for recipe in RECIPES:
        model = args.work.resolve() / recipe
        if not model.exists():
            drawbridge("quantize", MODEL, model, "--recipe", recipe)
        for mode in MODES:
            row = rows.setdefault(recipe, {})[mode] = measure(model, text, mode)
            low, high = row["perplexity_ratio_95"]
            print(f"{recipe:4} {mode:6} perplexity x {row['perplexity_ratio']:.5f} ({low:.5f} to {high:.5f}), "
                  f"KL {row['kl']['mean']:.5f}, more than 0.1 %: {row['loses_more_than_a_thousandth']}", flush=True)
    report = {"cpu": cpu_name(), "model": str(MODEL), "text": "training/data/heldout_text.jsonl.gz",
              "reference": "the same weights, bf16 inputs (W4A16)", "recipes": rows}
    args.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
