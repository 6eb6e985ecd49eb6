"""Trains the trunk with HF's own class on the rows of prepare.py and exports the checkpoint; resumable.

    python training/train.py --data /tmp/nano --model models/glm52-nano --state /tmp/nano/state.pt --seconds 90

Samples packed in one row do not see each other (block-diagonal causal mask). The correction bias of every router
is moved by the sign of the load error after each step. The MTP layer and the indexers are exported as initialised.
"""
import argparse
import json
import os
import pathlib
import time

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import AutoTokenizer, GlmMoeDsaConfig, GlmMoeDsaForCausalLM
from transformers.models.glm_moe_dsa.modeling_glm_moe_dsa import GlmMoeDsaDecoderLayer, GlmMoeDsaRMSNorm

EOS = ["<|endoftext|>", "<|user|>", "<|observation|>"]


def config_dict(tok):
    types = ["full", "full", "shared", "full", "shared"]
    eos = [tok.convert_tokens_to_ids(t) for t in EOS]
    return dict(
        architectures=["GlmMoeDsaForCausalLM"], attention_bias=False, attention_dropout=0.0, dtype="bfloat16",
        eos_token_id=eos, ep_size=1, first_k_dense_replace=1, head_dim=64, hidden_act="silu", hidden_size=256,
        index_head_dim=128, index_n_heads=12, index_share_for_mtp_iteration=True, index_topk=256,
        index_topk_freq=1, index_topk_pattern=None, indexer_rope_interleave=True, indexer_types=types,
        initializer_range=0.02, intermediate_size=384, kv_lora_rank=128, max_position_embeddings=4096,
        mlp_layer_types=["dense"] + ["sparse"] * 4, model_type="glm_moe_dsa", moe_intermediate_size=128,
        moe_layer_freq=1, moe_router_dtype="float32", n_group=1, n_routed_experts=12, n_shared_experts=1,
        norm_topk_prob=True, num_attention_heads=4, num_experts_per_tok=2, num_hidden_layers=5,
        num_key_value_heads=4, num_nextn_predict_layers=1, pad_token_id=eos[0], pretraining_tp=1,
        q_lora_rank=128, qk_head_dim=128, qk_nope_head_dim=64, qk_rope_head_dim=64, rms_norm_eps=1e-5,
        rope_interleave=True, rope_parameters={"rope_theta": 10000.0, "rope_type": "default"},
        routed_scaling_factor=2.5, scoring_func="sigmoid", tie_word_embeddings=False, topk_group=1,
        topk_method="noaux_tc", transformers_version="5.23.0", use_cache=True, v_head_dim=64, vocab_size=4096)


def split_experts(state):
    """HF keeps fused experts in memory; the file has one tensor per expert and matrix."""
    out = {}
    for name, t in state.items():
        head = name.rsplit(".", 1)[0]
        if name.endswith("experts.gate_up_proj"):
            for e in range(t.shape[0]):
                out[f"{head}.{e}.gate_proj.weight"], out[f"{head}.{e}.up_proj.weight"] = t[e].chunk(2)
        elif name.endswith("experts.down_proj"):
            out.update({f"{head}.{e}.down_proj.weight": t[e] for e in range(t.shape[0])})
        else:
            out[name] = t
    return {k: (v.float() if "e_score" in k else v.bfloat16()).contiguous().clone() for k, v in out.items()}


def export(model, cfg, path):
    state = dict(model.state_dict())
    torch.manual_seed(7)
    n = cfg["num_hidden_layers"]
    extended = GlmMoeDsaConfig(**{**cfg, "indexer_types": cfg["indexer_types"] + ["full"], "num_hidden_layers": n + 1,
                                  "mlp_layer_types": cfg["mlp_layer_types"] + ["sparse"]})
    extended._attn_implementation = "sdpa"
    mtp = GlmMoeDsaDecoderLayer(extended, n)
    last = model.model.layers[n - 2].state_dict()
    mtp.load_state_dict(last)
    norm = torch.ones(cfg["hidden_size"])
    layer = {**mtp.state_dict(), "enorm.weight": norm, "hnorm.weight": norm, "shared_head.norm.weight": norm,
             "eh_proj.weight": torch.randn(cfg["hidden_size"], 2 * cfg["hidden_size"]) * 0.02}
    state.update({f"model.layers.{n}.{k}": v for k, v in layer.items()})
    path = pathlib.Path(path)
    save_file(split_experts(state), path / "model.safetensors", metadata={"format": "pt"})
    (path / "config.json").write_text(json.dumps(cfg, indent=2) + "\n")
    gen = {"eos_token_id": cfg["eos_token_id"], "pad_token_id": cfg["pad_token_id"], "temperature": 1.0, "top_p": 0.95}
    (path / "generation_config.json").write_text(json.dumps(gen, indent=2) + "\n")


def step_loss(model, rows, width):
    ids = torch.from_numpy(rows[0].astype(np.int64))
    seg = torch.from_numpy(rows[2].astype(np.int64))
    mask = (seg[:, :, None] == seg[:, None, :]) & torch.ones(width, width).tril().bool()
    hidden = model.model(input_ids=ids, attention_mask={"indexed_attention": mask[:, None]}).last_hidden_state
    keep = torch.from_numpy(rows[1][:, 1:] > 0) & (seg[:, 1:] == seg[:, :-1])
    logits = model.lm_head(hidden[:, :-1][keep])
    return torch.nn.functional.cross_entropy(logits.float(), ids[:, 1:][keep])


def main():
    p = argparse.ArgumentParser()
    for a in ("data", "model", "state"):
        p.add_argument("--" + a, required=True)
    p.add_argument("--seconds", type=float, default=90)
    p.add_argument("--batch", type=int, default=8)
    p.add_argument("--lr", type=float, default=2e-3)
    args = p.parse_args()
    torch.manual_seed(1)
    cfg = config_dict(AutoTokenizer.from_pretrained(args.model))
    model = GlmMoeDsaForCausalLM(GlmMoeDsaConfig(**{**cfg, "dtype": "float32"})).float()
    gates = [m for n, m in model.named_modules() if n.endswith("mlp.gate")]
    loads = {}
    for g in gates:
        g.register_forward_hook(lambda m, i, o: loads.__setitem__(m, torch.bincount(o[2].flatten(), minlength=12)))
    opt = torch.optim.AdamW(model.parameters(), lr=args.lr, betas=(0.9, 0.95), weight_decay=0.05)
    step, log = 0, []
    if os.path.exists(args.state):
        s = torch.load(args.state, weights_only=False)
        model.load_state_dict(s["model"]), opt.load_state_dict(s["opt"])
        step, log = s["step"], s["log"]
    rows = np.load(pathlib.Path(args.data) / "main.npy")
    start = time.time()
    while time.time() - start < args.seconds:
        left = 1 - (time.time() - start) / args.seconds
        opt.param_groups[0]["lr"] = args.lr * min(1, (step + 1) / 20) * max(0.05, min(1, left * 2))
        at = (step * args.batch) % (rows.shape[1] - args.batch)
        with torch.autocast("cpu", torch.bfloat16):
            loss = step_loss(model, rows[:, at : at + args.batch], rows.shape[2])
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        for g in gates:
            load = loads[g].float()
            g.e_score_correction_bias += 2e-3 * torch.sign(load.mean() - load)
        step += 1
        log.append((step, round(loss.item(), 4), round(time.time() - start, 1)))
        if step % 5 == 0:
            print(*log[-1], flush=True)
    torch.save({"model": model.state_dict(), "opt": opt.state_dict(), "step": step, "log": log}, args.state + ".tmp")
    os.replace(args.state + ".tmp", args.state)
    export(model, cfg, args.model)


if __name__ == "__main__":
    main()
