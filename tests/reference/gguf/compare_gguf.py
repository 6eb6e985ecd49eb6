"""Compares a GGUF file with a HuggingFace directory, value for value, by ggml's own Python code (PyPI gguf 0.19).

Usage: compare_gguf.py MODEL.gguf DIRECTORY     Exit 1 and a line for each tensor that differs.

Nothing of Drawbridge is used: gguf reads and dequantizes the one side, ten lines below the other, and the names are
spelled here once more. Both sides are decoded to f32 and must be equal; -0 counts as 0, since ggml's table of E2M1
values has no -0. Run on files of every type that
`drawbridge convert` reads and on what it makes of glm52-nano; the results are in docs/decisions/0016-gguf.md.
"""
import json, re, struct, sys
from pathlib import Path

import gguf
import numpy as np

E2M1 = np.array([0, .5, 1, 1.5, 2, 3, 4, 6, -0., -.5, -1, -1.5, -2, -3, -4, -6], np.float32)
LAYER = {
    "attn_norm.weight": "input_layernorm.weight", "ffn_norm.weight": "post_attention_layernorm.weight",
    "attn_q_a.weight": "self_attn.q_a_proj.weight", "attn_q_a_norm.weight": "self_attn.q_a_layernorm.weight",
    "attn_q_b.weight": "self_attn.q_b_proj.weight", "attn_kv_a_mqa.weight": "self_attn.kv_a_proj_with_mqa.weight",
    "attn_kv_a_norm.weight": "self_attn.kv_a_layernorm.weight", "attn_output.weight": "self_attn.o_proj.weight",
    "indexer.attn_q_b.weight": "self_attn.indexer.wq_b.weight", "indexer.attn_k.weight": "self_attn.indexer.wk.weight",
    "indexer.k_norm.weight": "self_attn.indexer.k_norm.weight", "indexer.k_norm.bias": "self_attn.indexer.k_norm.bias",
    "indexer.proj.weight": "self_attn.indexer.weights_proj.weight", "ffn_gate_inp.weight": "mlp.gate.weight",
    "exp_probs_b.bias": "mlp.gate.e_score_correction_bias", "nextn.eh_proj.weight": "eh_proj.weight",
    "nextn.enorm.weight": "enorm.weight", "nextn.hnorm.weight": "hnorm.weight",
    "nextn.shared_head_norm.weight": "shared_head.norm.weight",
}
GLOBAL = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight",
          "output.weight": "lm_head.weight"}


class Directory:
    def __init__(self, path):
        self.tensors = {}
        for file in sorted(Path(path).glob("*.safetensors")):
            data = np.memmap(file, np.uint8, "r")
            size = struct.unpack("<Q", bytes(data[:8]))[0]
            for name, t in json.loads(bytes(data[8:8 + size])).items():
                begin, end = t.get("data_offsets", (0, 0))
                self.tensors[name] = (t.get("dtype"), t.get("shape"), data[8 + size + begin:8 + size + end])
        self.tensors.pop("__metadata__", None)
        self.used = set()

    def stored(self, name):
        self.used.add(name)
        return self.tensors[name]

    def values(self, name):
        dtype, shape, data = self.stored(name)
        if dtype == "F32":
            return data.view(np.float32).reshape(shape)
        if dtype == "F16":
            return data.view(np.float16).astype(np.float32).reshape(shape)
        if dtype == "BF16":
            return (data.view(np.uint16).astype(np.uint32) << 16).view(np.float32).reshape(shape)
        _, scale_shape, scale = self.stored(name + "_scale")
        if dtype == "I8":
            scale = scale.view(np.float16).astype(np.float32).reshape(scale_shape)
            return data.view(np.int8).astype(np.float32).reshape(shape) * np.repeat(scale, 32, 1)
        pairs = data.reshape(shape)
        codes = np.stack([pairs & 15, pairs >> 4], -1).reshape(shape[0], -1)
        return E2M1[codes] * np.repeat(np.ldexp(np.float32(1), scale.astype(np.int32).reshape(scale_shape) - 127), 32, 1)


def expected(name, shape, directory, heads):
    """What the HuggingFace directory says tensor `name` of the GGUF file is."""
    if name in GLOBAL:
        return directory.values(GLOBAL[name])
    layer, rest = re.match(r"blk\.(\d+)\.(.*)", name).groups()
    prefix = f"model.layers.{layer}."
    if rest in ("attn_k_b.weight", "attn_v_b.weight"):
        kv_b = directory.values(prefix + "self_attn.kv_b_proj.weight")
        kv_b = kv_b.reshape(heads, -1, kv_b.shape[1])
        nope = shape[2] if rest[5] == "k" else kv_b.shape[1] - shape[1]
        return kv_b[:, :nope].transpose(0, 2, 1) if rest[5] == "k" else kv_b[:, nope:]
    if rest in LAYER:
        return directory.values(prefix + LAYER[rest])
    kind, where = re.match(r"ffn_(gate|up|down)(_exps|_shexp|)\.weight", rest).groups()
    if where == "_exps":
        return np.stack([directory.values(f"{prefix}mlp.experts.{e}.{kind}_proj.weight") for e in range(shape[0])])
    return directory.values(f"{prefix}mlp.{'shared_experts.' if where else ''}{kind}_proj.weight")


def main():
    reader = gguf.GGUFReader(sys.argv[1])
    directory = Directory(sys.argv[2])
    heads = json.loads((Path(sys.argv[2]) / "config.json").read_text())["num_attention_heads"]
    types, bad, absent, n_values = {}, 0, 0, 0
    for t in reader.tensors:
        shape = [int(n) for n in reversed(t.shape)]
        if t.tensor_type == gguf.GGMLQuantizationType.BF16:
            theirs = (np.ascontiguousarray(t.data).view(np.uint16).astype(np.uint32) << 16).view(np.float32)
        elif t.tensor_type in (gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.F16):
            theirs = t.data.astype(np.float32)
        else:
            theirs = gguf.quants.dequantize(t.data, t.tensor_type)
        try:
            ours = expected(t.name, shape, directory, heads)
        except KeyError:
            absent += 1  # indexers of layers that share another's selection
            continue
        ours = np.asarray(ours, np.float32).reshape(shape)
        n_differ = np.count_nonzero(ours != np.asarray(theirs, np.float32).reshape(shape))
        if n_differ:
            bad += 1
            print(f"{t.name} ({t.tensor_type.name}): {n_differ} of {ours.size} values differ")
        n_values += ours.size
        types[t.tensor_type.name] = types.get(t.tensor_type.name, 0) + 1
    unused = sorted(set(directory.tensors) - directory.used)
    print(f"{n_values} values of {sum(types.values())} tensors {types}, {bad} tensors differ; {absent} of the GGUF file "
          f"and {len(unused)} of the directory {unused[:3]} are not in the other")
    sys.exit(bad > 0 or bool(unused))


main()
