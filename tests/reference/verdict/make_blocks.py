"""Result blocks of `python -m sglang.bench_serving` and `vllm bench serve`, for records that are written here.

The lines, their order and their format are those of sglang's benchmark/metrics.py and vLLM's benchmarks/serve.py; the
arithmetic is numpy's, as theirs. Output: tests/golden/verdict/blocks.json, which the C++ test reads records and blocks
from. Made with numpy 2.4.6. Usage: python tests/reference/verdict/make_blocks.py
"""
import json
from pathlib import Path

import numpy as np

OUT = Path(__file__).resolve().parents[2] / "golden" / "verdict" / "blocks.json"
RATE, CAP = 2.0, 3
LIMITS = dict(ttft_s=0.5)

# due, sent, first token, gaps between pieces, tail after the last piece, prompt, usage, counted by the client, error
ROWS = [
    (0.10, 0.1005, 0.350, [0.020, 0.021, 0.019, 0.022], 0.001, 100, 5, 5, ""),
    (0.70, 0.7002, 1.010, [0.030, 0.020], 0.002, 120, 3, 3, ""),
    (1.10, 1.1500, 1.900, [0.025, 0.024, 0.026, 0.020, 0.021], 0.001, 90, 6, 5, ""),
    (1.60, 1.6001, None, [], 0.0, 80, -1, -1, "HTTP 503"),
    (2.20, 2.2003, 2.450, [], 0.003, 110, 1, 1, ""),
]


def records():
    for due, sent, first, gaps, tail, prompt, usage, counted, error in ROWS:
        pieces = [] if first is None else list(np.cumsum([first, *gaps]).round(6))
        end = round((pieces[-1] if pieces else sent) + tail, 6)
        yield dict(due_s=due, sent_s=sent, first_token_s=first, pieces=[float(p) for p in pieces], end_s=float(end),
                   n_prompt=prompt, n_output_reported=usage, n_output_counted=counted, error=error)


def block(header_lines, sections):
    text = "{s:{c}^{n}}\n".format(s=" Serving Benchmark Result ", n=50, c="=")
    for label, value in header_lines:
        text += ("{:<40} {:<10.2f}\n" if isinstance(value, float) else "{:<40} {:<10}\n").format(label, value)
    for title, lines in sections:
        text += "{s:{c}^{n}}\n".format(s=title, n=50, c="-")
        for label, value in lines:
            text += "{:<40} {:<10.2f}\n".format(label, value)
    return text + "=" * 50 + "\n"


def totals(rows):
    ok = [r for r in rows if not r["error"]]
    t = dict(completed=len(ok), failed=len(rows) - len(ok), duration=round(max(r["end_s"] for r in rows) - rows[0]["due_s"], 6))
    t["input"] = sum(r["n_prompt"] for r in ok)
    t["output"] = sum(r["n_output_reported"] for r in ok)
    t["counted"] = sum(max(r["n_output_counted"], len(r["pieces"])) for r in ok)
    ms = lambda values: np.array(values) * 1000
    t["e2e"] = ms([r["end_s"] - r["sent_s"] for r in ok])
    t["ttft"] = ms([r["first_token_s"] - r["sent_s"] for r in ok])
    t["tpot"] = ms([(r["end_s"] - r["first_token_s"]) / (r["n_output_reported"] - 1) for r in ok if r["n_output_reported"] > 1])
    t["itl"] = ms(np.concatenate([np.diff(r["pieces"]) for r in ok]))
    t["queue"] = ms([r["sent_s"] - r["due_s"] for r in ok])
    t["e2e_queue"] = ms([r["end_s"] - r["due_s"] for r in ok])
    t["good"] = sum(r["first_token_s"] - r["sent_s"] <= LIMITS["ttft_s"] for r in ok)
    # Tokens of a piece: its share of the bytes, and pieces here are of equal size.
    seconds = np.zeros(int(np.ceil(max(r["end_s"] for r in rows))))
    for r in ok:
        for at in r["pieces"]:
            seconds[int(at)] += r["n_output_reported"] / len(r["pieces"])
    t["peak_tokens"] = float(seconds.max())
    events = sorted((time, step) for r in rows for time, step in ((r["sent_s"], 1), (r["end_s"], -1)))
    t["peak_in_flight"] = float(np.cumsum([step for _, step in events]).max())
    return t


def lines(name, values, extra):
    found = [(f"Mean {name} (ms):", values.mean()), (f"Median {name} (ms):", np.median(values))]
    for word in extra:
        found.append((f"Max {name} (ms):", values.max()) if word == "max" else
                     (f"P{word} {name} (ms):", np.percentile(values, word)))
    return found


def sglang(t):
    d = t["duration"]
    return "\n" + block(
        [("Backend:", "sglang-oai-chat"), ("Traffic request rate:", str(RATE)), ("Max request concurrency:", CAP),
         ("Successful requests:", t["completed"]), ("Benchmark duration (s):", d), ("Total input tokens:", t["input"]),
         ("Total generated tokens:", t["output"]), ("Total generated tokens (retokenized):", t["counted"]),
         ("Request throughput (req/s):", t["completed"] / d), ("Input token throughput (tok/s):", t["input"] / d),
         ("Output token throughput (tok/s):", t["output"] / d),
         ("Total token throughput (tok/s):", (t["input"] + t["output"]) / d),
         ("Concurrency:", float(t["e2e"].sum() / 1000 / d))],
        [("End-to-End Latency", lines("E2E Latency", t["e2e"], [99])), ("Time to First Token", lines("TTFT", t["ttft"], [99])),
         ("Inter-Token Latency", lines("ITL", t["itl"], [95, 99, "max"]))])


def vllm(t):
    d = t["duration"]
    return block(
        [("Successful requests:", t["completed"]), ("Failed requests:", t["failed"]), ("Maximum request concurrency:", CAP),
         ("Request rate configured (RPS):", RATE), ("Benchmark duration (s):", d), ("Total input tokens:", t["input"]),
         ("Total generated tokens:", t["output"]), ("Request throughput (req/s):", t["completed"] / d),
         ("Request goodput (req/s):", float(t["good"] / d)), ("Output token throughput (tok/s):", t["output"] / d),
         ("Peak output token throughput (tok/s):", t["peak_tokens"]), ("Peak concurrent requests:", t["peak_in_flight"]),
         ("Total token throughput (tok/s):", (t["input"] + t["output"]) / d)],
        [("Time to First Token", lines("TTFT", t["ttft"], [95, 99])),
         ("Time per Output Token (excl. 1st token)", lines("TPOT", t["tpot"], [95, 99])),
         ("Inter-token Latency", lines("ITL", t["itl"], [95, 99])), ("End-to-end Latency", lines("E2EL", t["e2e"], [95, 99])),
         ("Client-side Queueing", lines("Client Queue Time", t["queue"], [95, 99])),
         ("Queue-inclusive End-to-end Latency", lines("E2EL incl. Client Queue", t["e2e_queue"], [95, 99]))])


def main():
    rows = list(records())
    t = totals(rows)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(dict(requests=rows, duration_s=t["duration"], sglang=sglang(t), vllm=vllm(t)), indent=1) + "\n")


if __name__ == "__main__":
    main()
