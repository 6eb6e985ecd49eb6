"""Draws the loss curve of a training state: `python training/plot.py DATA/state.pt models/glm52-nano/loss.svg`."""
import sys

import matplotlib
import torch

matplotlib.use("svg")
import matplotlib.pyplot as plt


def smooth(points, width=50):
    xs, ys = zip(*points)
    means = [sum(ys[max(0, i - width) : i + 1]) / len(ys[max(0, i - width) : i + 1]) for i in range(len(ys))]
    every = max(1, len(xs) // 400)
    return xs[::every], means[::every]


def main(state, out):
    log = torch.load(state, weights_only=False)["log"]
    series = {"trunk, 512-token rows": [(e["step"], e["main"]) for e in log if "main" in e and e["stage"] != "long"],
              "trunk, 4,096-token rows": [(e["step"], e["main"]) for e in log if "main" in e and e["stage"] == "long"],
              "MTP, mean of 3 draft steps (half weight)": [(e["step"], e["mtp"]) for e in log if "mtp" in e],
              "indexers, KL to dense attention": [(e["step"], e["indexer"]) for e in log if "indexer" in e]}
    figure, axes = plt.subplots(figsize=(8, 4.5))
    for name, points in series.items():
        if points:
            axes.plot(*smooth(points), label=name)
    axes.set(xlabel="step of 2,048 (or 4,096) tokens", ylabel="loss (nats), mean of the last 50 points", yscale="log",
             title=f"glm52-nano: {log[-1]['step']} steps in {log[-1]['spent'] / 60:.0f} minutes on two CPU cores")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(out, metadata={"Date": None})


if __name__ == "__main__":
    main(*sys.argv[1:])
