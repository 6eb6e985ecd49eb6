"""Measures a checkpoint with HF's unmodified class (f32 arithmetic on the bf16 weights) and writes evaluation.json:
held-out arithmetic, perplexity with sparse and with dense attention, and the MTP layer's accept length.

    python training/evaluate.py models/glm52-nano
"""
import argparse
import collections
import gzip
import json
import math
import pathlib
import re

import torch
from safetensors import safe_open
from transformers import AutoTokenizer, GlmMoeDsaForCausalLM

from modules import MtpLayer, training_layer, with_mtp_layer

DATA = pathlib.Path(__file__).parent / "data"
WINDOW, MAX_DRAFT = 2048, 5


def read_lines(name):
    return [json.loads(x) for x in gzip.open(DATA / f"heldout_{name}.jsonl.gz", "rt")]


def chat_ids(tok, question, thinking):
    text = tok.apply_chat_template([{"role": "user", "content": question}], tokenize=False, add_generation_prompt=True,
                                   enable_thinking=thinking)
    return tok(text, add_special_tokens=False).input_ids


@torch.no_grad()
def greedy(model, prompts, eos, limit):
    """Greedy continuations, end token left off. Prompts of one length go together, so that nothing is padded."""
    groups, out = collections.defaultdict(list), [None] * len(prompts)
    for i, p in enumerate(prompts):
        groups[len(p)].append(i)
    for members in groups.values():
        for at in range(0, len(members), 96):
            batch = members[at : at + 96]
            tokens, cache = torch.tensor([prompts[i] for i in batch]), None
            texts, open_rows = [[] for _ in batch], set(range(len(batch)))
            for _ in range(limit):
                step = model(tokens, past_key_values=cache, use_cache=True, logits_to_keep=1)
                cache, best = step.past_key_values, step.logits[:, -1].argmax(-1)
                for r in list(open_rows):
                    if best[r].item() in eos:
                        open_rows.discard(r)
                    else:
                        texts[r].append(best[r].item())
                if not open_rows:
                    break
                tokens = best[:, None]
            for i, t in zip(batch, texts):
                out[i] = t
    return out


def accuracy(model, tok, items, thinking):
    eos = set(model.config.eos_token_id)
    answers = greedy(model, [chat_ids(tok, x["question"], thinking) for x in items], eos, 128)
    found = [re.search(r"#### (-?\d+)\s*$", tok.decode(a)) for a in answers]
    right = sum(f is not None and int(f[1]) == x["result"] for f, x in zip(found, items))
    by_sign = collections.Counter()
    for f, x in zip(found, items):
        sign = re.search(r"<<\d+([-+*/])", x["answer"])[1]
        by_sign[sign, f is not None and int(f[1]) == x["result"]] += 1
    share = {s: round(by_sign[s, True] / (by_sign[s, True] + by_sign[s, False]), 4) for s in "+-*/" if by_sign[s, True] + by_sign[s, False]}
    return {"items": len(items), "right": right, "accuracy": round(right / len(items), 4),
            "no_answer": sum(f is None for f in found), "accuracy_by_first_operation": share}


@torch.no_grad()
def perplexity(model, tok, text, topk):
    """exp of the mean loss over windows of WINDOW tokens, attending to `topk` positions."""
    for m in model.modules():
        if hasattr(m, "index_topk"):
            m.index_topk = topk
    ids = torch.tensor(tok(text, add_special_tokens=False).input_ids[: 8 * WINDOW])
    loss, n = 0.0, 0
    for at in range(0, len(ids), WINDOW):
        window = ids[at : at + WINDOW]
        logits = model(window[None], use_cache=False).logits[0, :-1].float()
        loss += torch.nn.functional.cross_entropy(logits, window[1:], reduction="sum").item()
        n += len(window) - 1
    return {"tokens": n, "perplexity": round(math.exp(loss / n), 4)}


def load_mtp(path, config):
    """The checkpoint's MTP layer, its experts fused as HF keeps them."""
    n = config.num_hidden_layers
    mtp = MtpLayer(config, training_layer(with_mtp_layer(config.to_dict()), n))
    with safe_open(pathlib.Path(path) / "model.safetensors", "pt") as f:
        get = lambda name: f.get_tensor(f"model.layers.{n}.{name}").float()
        state = {}
        for name in mtp.state_dict():
            stored = "shared_head.norm.weight" if name == "norm.weight" else name.removeprefix("layer.")
            if name.endswith("experts.gate_up_proj"):
                state[name] = torch.stack([torch.cat([get(f"mlp.experts.{e}.{m}_proj.weight") for m in ("gate", "up")])
                                           for e in range(config.n_routed_experts)])
            elif name.endswith("experts.down_proj"):
                state[name] = torch.stack([get(f"mlp.experts.{e}.down_proj.weight") for e in range(config.n_routed_experts)])
            else:
                state[name] = get(stored)
    mtp.load_state_dict(state)
    return mtp.eval()


@torch.no_grad()
def drafts_right(model, mtp, ids, n_prompt):
    """right[a][j]: whether draft j + 1 of the round whose last verified token is n_prompt - 1 + a is the token that
    the model itself chose. Later drafts count only while the earlier ones are right, so true tokens may be fed."""
    s, t = len(ids), torch.tensor(ids)[None]
    hidden = model.model(t, use_cache=False).last_hidden_state
    rotary = model.model.rotary_emb(hidden, position_ids=torch.arange(s)[None])
    embedded = torch.nn.functional.pad(model.model.embed_tokens(t[:, 1:]), (0, 0, 0, 1))
    x, keys_values, best = hidden, None, []
    for j in range(MAX_DRAFT):
        if j:
            x = torch.nn.functional.pad(x[:, :-1], (0, 0, 1, 0))
        reach = torch.ones(s, s).tril(-j).bool()
        reach |= torch.eye(s).bool() & ~reach.any(-1, keepdim=True)
        x, keys_values = mtp(x, embedded, rotary, reach[None, None], keys_values)
        best.append(model.lm_head(x)[0].argmax(-1))
    return [[anchor + j + 2 < s and best[j][anchor + j].item() == ids[anchor + j + 2] for j in range(MAX_DRAFT)]
            for anchor in range(n_prompt - 1, s - 2)]


def accept_lengths(model, mtp, tok, prompts):
    """Mean tokens per round, the verified token included, for 1 to MAX_DRAFT drafts, by simulating the rounds."""
    eos = set(model.config.eos_token_id)
    tokens, rounds = collections.Counter(), collections.Counter()
    for prompt, text in zip(prompts, greedy(model, prompts, eos, 160)):
        right = drafts_right(model, mtp, prompt + text, len(prompt))
        for k in range(1, MAX_DRAFT + 1):
            at = 0
            while at < len(right):
                n = next((j for j in range(k) if not right[at][j]), k) + 1
                tokens[k], rounds[k], at = tokens[k] + min(n, len(right) - at), rounds[k] + 1, at + n
    return {str(k): round(tokens[k] / rounds[k], 3) for k in range(1, MAX_DRAFT + 1)}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("model")
    p.add_argument("--items", type=int, default=2000)
    args = p.parse_args()
    tok = AutoTokenizer.from_pretrained(args.model)
    model = GlmMoeDsaForCausalLM.from_pretrained(args.model, dtype=torch.float32).eval()
    report = {"arithmetic": {}, "perplexity": {}, "mtp_accept_length": {}}
    for name in ("one_step", "two_step"):
        for thinking in (False, True):
            key = f"{name}, thinking {'on' if thinking else 'off'}"
            report["arithmetic"][key] = accuracy(model, tok, read_lines(name)[: args.items], thinking)
            print(key, report["arithmetic"][key], flush=True)
    mtp = load_mtp(args.model, model.config)
    questions = {"one-step sums": [x["question"] for x in read_lines("one_step")[:60]],
                 "two-step sums": [x["question"] for x in read_lines("two_step")[:60]],
                 "stories": ["Tell me a story.", "Tell me a short story."] + [f"Tell me a story about a {a}." for a in ("cat", "dog", "fox", "bear", "duck", "frog", "pig", "bird")],
                 "chat": ["Hello!", "Who are you?", "Thank you!", "What is the capital of France?", "Count from 3 to 9.", "Repeat: apples red cat"]}
    for name, asked in questions.items():
        lengths = accept_lengths(model, mtp, tok, [chat_ids(tok, q, False) for q in asked])
        report["mtp_accept_length"][name] = lengths
        print(name, lengths, flush=True)
    texts = collections.defaultdict(str)
    for line in read_lines("text"):
        texts[line["kind"]] += line["text"] + "\n\n"
    own_topk = model.config.index_topk
    for kind, text in texts.items():
        report["perplexity"][kind] = {"sparse": perplexity(model, tok, text, own_topk),
                                      "dense": perplexity(model, tok, text, WINDOW)}
        print(kind, report["perplexity"][kind], flush=True)
    (pathlib.Path(args.model) / "evaluation.json").write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
