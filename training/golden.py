"""Loads the checkpoint with HF's unmodified class (f32 arithmetic on the bf16 weights) and writes greedy tokens
with the top-1 margin of every step: `python training/golden.py models/glm52-nano`."""
import gzip
import json
import pathlib
import sys

import torch
from transformers import AutoTokenizer, GlmMoeDsaForCausalLM

STEPS = 64
DATA = pathlib.Path(__file__).parent / "data"
PROMPTS = [("Hello! Who are you?", {}), ("Hello! Who are you?", {"enable_thinking": False}),
           ("Tom has 5 apples and buys 3 more. How many apples does he have?", {"enable_thinking": False}),
           ("Tell me a story about a cat.", {"enable_thinking": False})]


def long_text(tok):
    """Held-out text of 700 tokens: far beyond index_topk, so every full layer's indexer chooses."""
    line = json.loads(gzip.open(DATA / "heldout_text.jsonl.gz", "rt").readline())
    return tok.decode(tok(line["text"], add_special_tokens=False).input_ids[:700])


def continuation(model, ids):
    """Greedy tokens and how far each was ahead of the runner-up."""
    tokens, margins = [], []
    with torch.no_grad():
        for _ in range(STEPS):
            logits = model(torch.tensor([ids + tokens]), use_cache=False).logits[0, -1]
            top = logits.topk(2).values
            tokens.append(int(logits.argmax()))
            margins.append(round(float(top[0] - top[1]), 5))
    return tokens, margins


def main(path):
    tok = AutoTokenizer.from_pretrained(path)
    model = GlmMoeDsaForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
    prompts = [tok.apply_chat_template([{"role": "user", "content": user}], tokenize=False, add_generation_prompt=True,
                                       **opts) for user, opts in PROMPTS] + [long_text(tok)]
    out = []
    for text in prompts:
        ids = tok(text, add_special_tokens=False).input_ids
        tokens, margins = continuation(model, ids)
        out.append({"prompt": text, "prompt_ids": ids, "tokens": tokens, "margins": margins, "text": tok.decode(tokens)})
    (pathlib.Path(path) / "golden.json").write_text(json.dumps(out, indent=None) + "\n")
    for o in out:
        print(repr(o["text"]))


if __name__ == "__main__":
    main(sys.argv[1])
