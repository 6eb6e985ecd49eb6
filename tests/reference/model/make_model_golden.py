"""Golden logits and greedy tokens of tiny random GLM-5.2-architecture models, from unmodified HuggingFace transformers.

Weights are not stored: both sides draw them from splitmix64 seeded by the tensor's name (draw_weights here,
src/model/random_checkpoint_test.h there). Output: tests/golden/model/CASE/{config.json,model.safetensors}.
Made with transformers 5.23.0 (main and indexer rope interleaved, ReLU and IndexShare present) and torch 2.15.0, sdpa
attention, f32 (and bf16 where the case says so). Usage: python tests/reference/model/make_model_golden.py
"""
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import GlmMoeDsaConfig, GlmMoeDsaForCausalLM

from mtp_reference import mtp_golden

OUT = Path(__file__).resolve().parents[2] / "golden" / "model"
GREEDY_STEPS = 64

BASE = dict(
    architectures=["GlmMoeDsaForCausalLM"], model_type="glm_moe_dsa", dtype="float32", hidden_size=64, num_hidden_layers=4,
    num_nextn_predict_layers=0, intermediate_size=96, moe_intermediate_size=32, n_routed_experts=8,
    n_shared_experts=1, num_experts_per_tok=2, n_group=1, topk_group=1, topk_method="noaux_tc",
    scoring_func="sigmoid", norm_topk_prob=True, routed_scaling_factor=2.5, num_attention_heads=4,
    num_key_value_heads=4, q_lora_rank=48, kv_lora_rank=32, qk_nope_head_dim=16, qk_rope_head_dim=8, v_head_dim=16,
    head_dim=8, attention_bias=False, index_n_heads=24, index_head_dim=16, index_topk=16,
    indexer_types=["full"] * 4, mlp_layer_types=["dense"] + ["sparse"] * 3, indexer_rope_interleave=True,
    rope_interleave=True, rope_parameters={"rope_theta": 10000.0, "rope_type": "default"},
    max_position_embeddings=512, rms_norm_eps=1e-5, hidden_act="silu", vocab_size=97, tie_word_embeddings=False,
    eos_token_id=[96], index_share_for_mtp_iteration=True)

PATTERN = ["full", "full", "shared", "shared", "full", "shared"]
CASES = {
    "dense": dict(mlp_layer_types=["dense"] * 4),
    "moe": dict(n_routed_experts=16, num_experts_per_tok=4),
    "shared_indexer": dict(num_hidden_layers=6, indexer_types=PATTERN, mlp_layer_types=["dense"] + ["sparse"] * 5),
    "groups": dict(n_routed_experts=16, n_group=4, topk_group=2, num_experts_per_tok=3, norm_topk_prob=False),
    "odd_heads": dict(hidden_size=72, num_attention_heads=3, num_key_value_heads=3, qk_nope_head_dim=24,
                      qk_rope_head_dim=4, head_dim=4, v_head_dim=40, index_n_heads=25, index_head_dim=20, index_topk=24,
                      q_lora_rank=40, kv_lora_rank=28),
    "mtp": dict(num_nextn_predict_layers=1, n_shared_experts=2, index_topk=20, indexer_types=["full", "shared"] * 2,
                rope_parameters={"rope_theta": 8000000.0, "rope_type": "default"}),
    "bf16": dict(dtype="bfloat16", num_hidden_layers=6, indexer_types=PATTERN,
                 mlp_layer_types=["dense"] + ["sparse"] * 5),
}


def draw_weights(name, shape):
    """Uniform weights scaled by the input width; norms near 1; every value the same in Python and C++."""
    seed = np.uint64(0xCBF29CE484222325)
    for byte in name.encode():
        seed = np.uint64(((int(seed) ^ byte) * 0x100000001B3) & (2**64 - 1))
    count = int(np.prod(shape))
    with np.errstate(over="ignore"):
        z = seed + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    unit = (z >> np.uint64(40)).astype(np.float32) / np.float32(2**23) - np.float32(1)
    if "norm" in name:
        values = unit / np.float32(8) + np.float32(0 if name.endswith("bias") else 1)
    elif name.endswith("e_score_correction_bias"):
        values = np.float32(7) + unit / np.float32(8)
    else:
        values = unit * np.float32(2.0 ** round(float(np.log2(np.sqrt(3.0 / shape[-1]))) + 0.5))
    return torch.from_numpy(values.astype(np.float32).reshape(shape).copy())


def fill(model, config):
    """Draws every weight under its checkpoint name; HF keeps the experts stacked, gate rows before up rows."""
    width, hidden = config.moe_intermediate_size, config.hidden_size
    with torch.no_grad():
        for name, tensor in list(model.named_parameters()) + list(model.named_buffers()):
            if name.endswith("experts.gate_up_proj"):
                base = name[: -len("gate_up_proj")]
                for e in range(tensor.shape[0]):
                    tensor[e, :width] = draw_weights(f"{base}{e}.gate_proj.weight", (width, hidden))
                    tensor[e, width:] = draw_weights(f"{base}{e}.up_proj.weight", (width, hidden))
            elif name.endswith("experts.down_proj"):
                for e in range(tensor.shape[0]):
                    tensor[e] = draw_weights(f"{name[: -len('down_proj')]}{e}.down_proj.weight", (hidden, width))
            elif "inv_freq" not in name:
                tensor.copy_(draw_weights(name, tuple(tensor.shape)))


def make_model(settings, dtype):
    config = GlmMoeDsaConfig(**{k: v for k, v in settings.items() if k != "dtype"})
    model = GlmMoeDsaForCausalLM._from_config(config, attn_implementation="sdpa", dtype=torch.float32).eval()
    fill(model, config)
    if settings["dtype"] == "bfloat16":
        for name, tensor in list(model.named_parameters()) + list(model.named_buffers()):
            if "e_score" not in name and "inv_freq" not in name:
                tensor.data = tensor.data.to(torch.bfloat16)
        model = model.to(dtype) if dtype == torch.float32 else model
        for name, tensor in list(model.named_parameters()) + list(model.named_buffers()):
            if "weights_proj" in name:  # what from_pretrained keeps in f32
                tensor.data = tensor.data.to(torch.float32)
    return config, model


def prompts(settings):
    k, vocab = settings["index_topk"], settings["vocab_size"]
    for index, length in enumerate((1, 7, k - 1, k, k + 1, 5 * k)):
        yield index, [(7 * i * i + 13 * i + 5 + index) % vocab for i in range(length)]


@torch.no_grad()
def greedy(model, prompt):
    ids = list(prompt)
    for _ in range(GREEDY_STEPS):
        ids.append(int(model(torch.tensor([ids]), use_cache=False).logits[0, -1].float().argmax()))
    return ids[len(prompt):]


@torch.no_grad()
def selections(model, ids):
    """{layer: sorted top-k positions of the last row} of every full layer."""
    found, hooks = {}, []
    for i, layer in enumerate(model.model.layers):
        if getattr(layer.self_attn, "indexer", None) is not None:
            hooks.append(layer.self_attn.indexer.register_forward_hook(
                lambda _m, _a, out, i=i: found.__setitem__(i, out[0, -1].sort().values.to(torch.int32))))
    model(torch.tensor([ids]), use_cache=False)
    for hook in hooks:
        hook.remove()
    return found


def main():
    torch.manual_seed(0)
    for case, changes in CASES.items():
        settings = {**BASE, **changes}
        _, exact = make_model(settings, torch.float32)
        tensors = {}
        for index, prompt in prompts(settings):
            with torch.no_grad():
                out = exact.model(torch.tensor([prompt]), use_cache=False).last_hidden_state
                logits = exact.lm_head(out)[0].float()
            rows = sorted({0, len(prompt) // 2, len(prompt) - 1})
            tensors[f"{index}.prompt"] = torch.tensor(prompt, dtype=torch.int32)
            tensors[f"{index}.rows"] = torch.tensor(rows, dtype=torch.int32)
            tensors[f"{index}.logits"] = logits[rows].contiguous()
            for layer, positions in selections(exact, prompt).items():
                tensors[f"{index}.selected.{layer}"] = positions
        tensors["greedy"] = torch.tensor(greedy(exact, prompt), dtype=torch.int32)
        if settings["dtype"] == "bfloat16":
            _, rounded = make_model(settings, torch.bfloat16)
            for index, prompt in prompts(settings):
                with torch.no_grad():
                    logits = rounded(torch.tensor([prompt]), use_cache=False).logits[0].float()
                tensors[f"{index}.logits_bf16"] = logits[tensors[f"{index}.rows"].tolist()].contiguous()
        if settings["num_nextn_predict_layers"]:
            with torch.no_grad():
                hidden = exact.model(torch.tensor([prompt]), use_cache=False).last_hidden_state[0]
            tensors |= mtp_golden(settings, draw_weights, prompt, hidden, int(tensors["greedy"][0]))
        folder = OUT / case
        folder.mkdir(parents=True, exist_ok=True)
        save_file(tensors, folder / "model.safetensors")
        (folder / "config.json").write_text(json.dumps(settings, indent=1) + "\n")
        print(case, exact.config._attn_implementation, getattr(exact.config, "_experts_implementation", "?"))


if __name__ == "__main__":
    main()
