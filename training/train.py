"""Trains the bundled model with HF's own class as the trunk, in stages, and exports the checkpoint; resumable.

    python training/train.py --data DATA --model models/glm52-nano --state DATA/state.pt --seconds 5600

The clock drives everything: the share of --seconds that has passed (over all runs of one state file) decides the stage
and the learning rate. Stages: `trunk` and `sums` (512-token rows, of the broad mixture, then of the one with more bare sums),
`mtp` (the same, and the MTP layer over three draft steps), `long` (every other step a 4,096-token row), `indexer` (all
else frozen, the indexers learn from 4,096-token rows where attention looks: DeepSeek-V3.2's warm-up). Samples packed in
one row do not see each other.
"""
import argparse
import json
import os
import pathlib
import time

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from transformers import AutoTokenizer

from modules import TrainingModel, indexer_loss

EOS = ["<|endoftext|>", "<|user|>", "<|observation|>"]
STAGES = (("trunk", 0.26), ("sums", 0.61), ("mtp", 0.77), ("long", 0.93), ("indexer", 1.0))  # (name, share of the time at which it ends)
ROWS = {"trunk": "main", "sums": "sums", "mtp": "sums", "long": "long", "indexer": "long"}
DRAFT_STEPS, MTP_WEIGHT = 3, 0.5
PROBED_ROWS, INDEXER_RATE = 256, 2e-3


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
    state = dict(model.lm.state_dict())
    n = cfg["num_hidden_layers"]
    state.update({f"model.layers.{n}.{k}": v for k, v in model.mtp.checkpoint_state().items()})
    path = pathlib.Path(path)
    save_file(split_experts(state), path / "model.safetensors", metadata={"format": "pt"})
    (path / "config.json").write_text(json.dumps(cfg, indent=2) + "\n")
    gen = {"eos_token_id": cfg["eos_token_id"], "pad_token_id": cfg["pad_token_id"], "temperature": 1.0, "top_p": 0.95}
    (path / "generation_config.json").write_text(json.dumps(gen, indent=2) + "\n")


def kept_loss(model, hidden, target, keep):
    return F.cross_entropy(model.lm.lm_head(hidden[keep]).float(), target[keep])


def next_embeddings(model, ids):
    """The embedding of the token after each position; nothing after the last."""
    return F.pad(model.lm.model.embed_tokens(ids[:, 1:]), (0, 0, 0, 1)).detach()


def mtp_loss(model, ids, trained, seg, hidden, rotary, mask):
    """Mean loss of DRAFT_STEPS chained draft steps. At position q step j knows the token q + 1, the hidden that step
    j - 1 left at q - 1, and the keys up to q - j; it predicts the token q + 2."""
    s = ids.shape[1]
    embedded = next_embeddings(model, ids)
    x, keys_values, losses = hidden.detach(), None, []
    for j in range(DRAFT_STEPS):
        if j:
            x = F.pad(x[:, :-1], (0, 0, 1, 0))
        reach = mask & torch.ones(s, s).tril(-j).bool()
        reach |= torch.eye(s).bool() & ~reach.any(-1, keepdim=True)
        x, keys_values = model.mtp(x, embedded, rotary, reach, keys_values)
        keep = trained[:, 2:] & (seg[:, 2:] == seg[:, :-2])
        keep[:, j:] &= seg[:, 2 + j :] == seg[:, : s - 2 - j]
        keep[:, :j] = False
        losses.append(kept_loss(model, x[:, :-2], ids[:, 2:], keep))
    return torch.stack(losses).mean()


@torch.no_grad()
def observe(model, ids, mask, probe):
    """Runs trunk and MTP layer so that every attention leaves what its indexer's loss needs."""
    for a in model.all_attentions():
        a.probe = probe
    hidden, rotary = model.trunk(ids, mask)
    model.mtp(hidden, next_embeddings(model, ids), rotary, mask)
    for a in model.all_attentions():
        a.probe = None


def step_losses(model, rows, stage):
    """{name: loss} of one batch."""
    ids, trained, seg = (torch.from_numpy(r.astype(np.int64)) for r in rows)
    trained = trained > 0
    s = ids.shape[1]
    mask = ((seg[:, :, None] == seg[:, None, :]) & torch.ones(s, s).tril().bool())[:, None]
    if stage == "indexer":
        probe = torch.randperm(s)[:PROBED_ROWS].sort().values
        observe(model, ids, mask, probe)
        return {"indexer": indexer_loss(model.all_attentions(), mask, probe)}
    hidden, rotary = model.trunk(ids, mask)
    keep = trained[:, 1:] & (seg[:, 1:] == seg[:, :-1])
    losses = {"main": kept_loss(model, hidden[:, :-1], ids[:, 1:], keep)}
    if stage == "mtp":
        losses["mtp"] = MTP_WEIGHT * mtp_loss(model, ids, trained, seg, hidden, rotary, mask)
    return losses


class RouterBalance:
    """DeepSeek-V3's balance without a loss: each expert's bias moves by the sign of its load error."""

    def __init__(self, gates, rate=2e-3):
        self.gates, self.rate, self.loads = gates, rate, {}
        for g in gates:
            g.register_forward_hook(self.count)

    def count(self, gate, inputs, outputs):
        self.loads[gate] = torch.bincount(outputs[2].flatten(), minlength=gate.num_experts).float()

    def step(self, moving):
        for gate, load in self.loads.items():
            gate.e_score_correction_bias += moving * self.rate * torch.sign(load.mean() - load)
        self.loads.clear()


def stage_at(share):
    return next(name for name, end in STAGES if share < end or end == 1.0)


def learning_rate(share, step, peak):
    """Warm-up over 100 steps, then a cosine to a twentieth."""
    return peak * min(1, (step + 1) / 100) * (0.05 + 0.95 * 0.5 * (1 + np.cos(np.pi * min(1, share))))


def save(path, model, optimizers, step, spent, log):
    state = {"model": model.state_dict(), "step": step, "spent": spent, "log": log}
    torch.save({**state, **{name: o.state_dict() for name, o in optimizers.items()}}, path + ".tmp")
    os.replace(path + ".tmp", path)


def main():
    p = argparse.ArgumentParser()
    for a in ("data", "model", "state"):
        p.add_argument("--" + a, required=True)
    p.add_argument("--seconds", type=float, default=5600)
    p.add_argument("--save-every", type=float, default=300)
    p.add_argument("--tokens-per-step", type=int, default=2048)
    p.add_argument("--lr", type=float, default=2e-3)
    args = p.parse_args()
    torch.manual_seed(1)
    cfg = config_dict(AutoTokenizer.from_pretrained(args.model))
    model = TrainingModel(cfg)
    balance = RouterBalance(model.gates())
    matrices = [p for n, p in model.named_parameters() if p.dim() > 1]
    vectors = [p for n, p in model.named_parameters() if p.dim() < 2]
    opt = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.05}, {"params": vectors, "weight_decay": 0.0}],
                            lr=args.lr, betas=(0.9, 0.95), fused=True)
    indexer_opt = torch.optim.AdamW([p for a in model.all_attentions() if a.indexer is not None for p in a.indexer.parameters()],
                                    lr=INDEXER_RATE, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
    optimizers = {"opt": opt, "indexer_opt": indexer_opt}
    step, spent, log = 0, 0.0, []
    if os.path.exists(args.state):
        s = torch.load(args.state, weights_only=False)
        model.load_state_dict(s["model"])
        for name, optimizer in optimizers.items():
            optimizer.load_state_dict(s[name])
        step, spent, log = s["step"], s["spent"], s["log"]
    rows = {name: np.load(pathlib.Path(args.data) / f"{name}.npy", mmap_mode="r") for name in ("main", "sums", "long")}
    last = saved = time.time()
    while spent < args.seconds:
        share = spent / args.seconds
        stage = stage_at(share)
        if stage == "long" and step % 2:
            stage = "mtp"
        data = rows[ROWS[stage]]
        batch = max(1, args.tokens_per_step // data.shape[2])
        at = (step * batch) % (data.shape[1] - batch)
        for group in opt.param_groups:
            group["lr"] = learning_rate(share, step, args.lr)
        losses = step_losses(model, np.asarray(data[:, at : at + batch]), stage)
        model.zero_grad()
        sum(losses.values()).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        (indexer_opt if stage == "indexer" else opt).step()
        balance.step(moving=stage != "indexer")
        step += 1
        spent, last = spent + time.time() - last, time.time()
        log.append({"step": step, "spent": round(spent, 1), "stage": stage, **{k: round(v.item(), 4) for k, v in losses.items()}})
        if step % 20 == 0:
            print(json.dumps(log[-1]), flush=True)
        if time.time() - saved > args.save_every:
            save(args.state, model, optimizers, step, spent, log)
            saved = time.time()
    save(args.state, model, optimizers, step, spent, log)
    export(model, cfg, args.model)


if __name__ == "__main__":
    main()
