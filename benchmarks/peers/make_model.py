#!/usr/bin/env python3
"""Writes the GGUF file that benchmarks/side_by_side.py gives to llama.cpp and its kin: GLM-5.2's architecture (glm-dsa),
4.1 billion random weights, the same for the same seed. `drawbridge convert` makes the directory of the same numbers.

Every matrix is MXFP4 but embeddings and head (Q8_0) and the router's (F32); routing is even, since its bias is 0.
Needs numpy.

    benchmarks/peers/make_model.py --out synth.gguf
"""
import argparse
import struct
import zlib

import numpy as np

F32, Q8_0, MXFP4 = 0, 8, 39
BLOCK = {F32: (1, 4), Q8_0: (32, 34), MXFP4: (32, 17)}  # elements and bytes
FILE_TYPE_MXFP4 = 38
SEED = 52

HIDDEN, LAYERS, DENSE_LAYERS, VOCAB = 2048, 12, 1, 32768
HEADS, Q_LORA, KV_LORA, NOPE, ROPE, V_HEAD = 16, 512, 512, 192, 64, 256
EXPERTS, TOP_K, MOE_WIDTH, DENSE_WIDTH = 64, 8, 768, 4096
INDEX_HEADS, INDEX_DIM, INDEX_TOP_K = 32, 128, 2048
CONTEXT = 1048576  # llama.cpp takes less for GLM-5, whose layers all have an indexer of their own

SPECIAL = ["<|endoftext|>", "[MASK]", "[gMASK]", "[sMASK]", "<sop>", "<eop>", "<|system|>", "<|user|>",
           "<|assistant|>", "<|observation|>", "<think>", "</think>"]


def string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


VALUE = {  # GGUF's number of each type, and how a value is written
    "u32": (4, lambda v: struct.pack("<I", v)),
    "i32": (5, lambda v: struct.pack("<i", v)),
    "f32": (6, lambda v: struct.pack("<f", v)),
    "bool": (7, lambda v: struct.pack("<?", v)),
    "str": (8, string),
}


def entry(key, kind, value):
    number, write = VALUE[kind]
    return string(key) + struct.pack("<I", number) + write(value)


def list_entry(key, kind, values):
    number, write = VALUE[kind]
    return string(key) + struct.pack("<IIQ", 9, number, len(values)) + b"".join(map(write, values))


def byte_characters():
    """GPT-2's character of each byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in plain]
    return [chr(b) if b in plain else chr(256 + rest.index(b)) for b in range(256)]


def vocabulary():
    """(tokens, types, merges): bytes, pairs and triples of ASCII, then the special tokens."""
    characters = byte_characters()
    ascii_only = characters[32:127]
    room = VOCAB - len(characters) - len(SPECIAL)
    merged = [(a, b) for a in ascii_only for b in ascii_only]
    merged += [(a + b, c) for a in ascii_only for b in ascii_only for c in ascii_only[33:]][:room - len(merged)]
    tokens = characters + [a + b for a, b in merged] + SPECIAL
    assert len(set(tokens)) == VOCAB
    return tokens, [1] * (VOCAB - len(SPECIAL)) + [3] * len(SPECIAL), [a + " " + b for a, b in merged]


def attention_tensors(b):
    return [
        (b + "attn_norm.weight", (HIDDEN,), F32),
        (b + "attn_q_a.weight", (HIDDEN, Q_LORA), MXFP4),
        (b + "attn_q_a_norm.weight", (Q_LORA,), F32),
        (b + "attn_q_b.weight", (Q_LORA, HEADS * (NOPE + ROPE)), MXFP4),
        (b + "attn_kv_a_mqa.weight", (HIDDEN, KV_LORA + ROPE), MXFP4),
        (b + "attn_kv_a_norm.weight", (KV_LORA,), F32),
        (b + "attn_k_b.weight", (NOPE, KV_LORA, HEADS), MXFP4),
        (b + "attn_v_b.weight", (KV_LORA, V_HEAD, HEADS), MXFP4),
        (b + "attn_output.weight", (HEADS * V_HEAD, HIDDEN), MXFP4),
        (b + "indexer.k_norm.weight", (INDEX_DIM,), F32),
        (b + "indexer.k_norm.bias", (INDEX_DIM,), F32),
        (b + "indexer.proj.weight", (HIDDEN, INDEX_HEADS), F32),
        (b + "indexer.attn_k.weight", (HIDDEN, INDEX_DIM), MXFP4),
        (b + "indexer.attn_q_b.weight", (Q_LORA, INDEX_HEADS * INDEX_DIM), MXFP4),
        (b + "ffn_norm.weight", (HIDDEN,), F32),
    ]


def mlp_tensors(b, suffix, width, experts=()):
    return [
        (f"{b}ffn_gate{suffix}.weight", (HIDDEN, width, *experts), MXFP4),
        (f"{b}ffn_up{suffix}.weight", (HIDDEN, width, *experts), MXFP4),
        (f"{b}ffn_down{suffix}.weight", (width, HIDDEN, *experts), MXFP4),
    ]


def layer_tensors(i):
    b = f"blk.{i}."
    if i < DENSE_LAYERS:
        return attention_tensors(b) + mlp_tensors(b, "", DENSE_WIDTH)
    tensors = attention_tensors(b) + [
        (b + "ffn_gate_inp.weight", (HIDDEN, EXPERTS), F32),
        (b + "exp_probs_b.bias", (EXPERTS,), F32),
        *mlp_tensors(b, "_exps", MOE_WIDTH, (EXPERTS,)),
        *mlp_tensors(b, "_shexp", MOE_WIDTH),
    ]
    if i >= LAYERS:  # the MTP layer
        tensors.append((b + "nextn.eh_proj.weight", (2 * HIDDEN, HIDDEN), MXFP4))
        tensors += [(f"{b}nextn.{name}.weight", (HIDDEN,), F32) for name in ("enorm", "hnorm", "shared_head_norm")]
    return tensors


def all_tensors():
    """(name, shape with the row length first, type) of each."""
    tensors = [("token_embd.weight", (HIDDEN, VOCAB), Q8_0), ("output_norm.weight", (HIDDEN,), F32),
               ("output.weight", (HIDDEN, VOCAB), Q8_0)]
    for i in range(LAYERS + 1):
        tensors += layer_tensors(i)
    return tensors


def architecture():
    g = "glm-dsa."
    numbers = {
        "block_count": LAYERS + 1, "context_length": CONTEXT, "embedding_length": HIDDEN,
        "feed_forward_length": DENSE_WIDTH, "attention.head_count": HEADS, "attention.head_count_kv": 1,
        "rope.dimension_count": ROPE, "vocab_size": VOCAB, "attention.q_lora_rank": Q_LORA,
        "attention.kv_lora_rank": KV_LORA, "attention.key_length": KV_LORA + ROPE, "attention.value_length": KV_LORA,
        "attention.key_length_mla": NOPE + ROPE, "attention.value_length_mla": V_HEAD,
        "leading_dense_block_count": DENSE_LAYERS, "expert_count": EXPERTS, "expert_used_count": TOP_K,
        "expert_shared_count": 1, "expert_feed_forward_length": MOE_WIDTH, "expert_gating_func": 2,
        "nextn_predict_layers": 1, "attention.indexer.head_count": INDEX_HEADS,
        "attention.indexer.key_length": INDEX_DIM, "attention.indexer.top_k": INDEX_TOP_K,
    }
    # GLM-5.2's own pattern: layers 0, 1, 2 and then every fourth select keys, the others take the last selection.
    selects = [i <= 1 or i % 4 == 2 for i in range(LAYERS)]
    return [
        *(entry(g + key, "u32", value) for key, value in numbers.items()),
        entry(g + "rope.freq_base", "f32", 8e6),
        entry(g + "attention.layer_norm_rms_epsilon", "f32", 1e-5),
        entry(g + "expert_weights_scale", "f32", 2.5),
        entry(g + "expert_weights_norm", "bool", True),
        list_entry(g + "attention.indexer.types", "bool", selects),
    ]


def metadata():
    tokens, types, merges = vocabulary()
    ids = {name: tokens.index(name) for name in SPECIAL}
    t = "tokenizer.ggml."
    return [
        entry("general.architecture", "str", "glm-dsa"),
        entry("general.name", "str", f"random weights, seed {SEED}"),
        entry("general.alignment", "u32", 32),
        entry("general.file_type", "u32", FILE_TYPE_MXFP4),
        *architecture(),
        entry(t + "model", "str", "gpt2"),
        entry(t + "pre", "str", "glm4"),
        list_entry(t + "tokens", "str", tokens),
        list_entry(t + "token_type", "i32", types),
        list_entry(t + "merges", "str", merges),
        entry(t + "bos_token_id", "u32", ids["[gMASK]"]),
        entry(t + "eos_token_id", "u32", ids["<|endoftext|>"]),
        entry(t + "padding_token_id", "u32", ids["<|endoftext|>"]),
        entry(t + "eot_token_id", "u32", ids["<|user|>"]),
        entry(t + "add_bos_token", "bool", False),
        entry("tokenizer.chat_template", "str",
              "[gMASK]<sop>{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{% endfor %}"
              "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"),
    ]


def draw_floats(rng, name, shape):
    n = int(np.prod(shape))
    if name.endswith(".bias"):
        values = np.zeros(n)
    elif len(shape) == 1:
        values = 1 + 0.05 * rng.standard_normal(n)
    else:
        values = rng.standard_normal(n) / np.sqrt(shape[0])
    return values.astype(np.float32).tobytes()


def draw_q8(rng, name, shape, n_blocks):
    """Codes of five bits (deviation 9.5) under one power of two."""
    deviation = 0.5 if name.startswith("token_embd") else 1 / np.sqrt(shape[0])
    codes = rng.integers(-16, 17, (n_blocks, 32), dtype=np.int8)
    scale = np.full((n_blocks, 1), 2.0 ** round(np.log2(deviation / 9.5)), np.float16)
    return np.concatenate([scale.view(np.uint8), codes.view(np.uint8)], axis=1).tobytes()


def draw_mxfp4(rng, shape, n_blocks):
    """Random codes (deviation 2.92) under one of two neighbouring powers of two."""
    codes = rng.integers(0, 256, (n_blocks, 16), dtype=np.uint8)
    least = 128 + int(np.floor(np.log2(1 / np.sqrt(shape[0]) / 5.85)))
    scale = least + rng.integers(0, 2, (n_blocks, 1))
    return np.concatenate([scale.astype(np.uint8), codes], axis=1).tobytes()


def draw(name, shape, kind):
    """The tensor's bytes, piece by piece."""
    rng = np.random.default_rng([SEED, zlib.crc32(name.encode())])
    if kind == F32:
        yield draw_floats(rng, name, shape)
        return
    n_blocks, most = int(np.prod(shape)) // 32, 1 << 20
    for at in range(0, n_blocks, most):
        n = min(most, n_blocks - at)
        yield draw_q8(rng, name, shape, n) if kind == Q8_0 else draw_mxfp4(rng, shape, n)


def size(shape, kind):
    elements, n_bytes = BLOCK[kind]
    return int(np.prod(shape)) // elements * n_bytes


def write(path):
    tensors, entries = all_tensors(), metadata()
    offset, table = 0, b""
    for name, shape, kind in tensors:
        table += string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)
        offset += (size(shape, kind) + 31) // 32 * 32
    with open(path, "wb") as out:
        out.write(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(entries)) + b"".join(entries) + table)
        for name, shape, kind in tensors:
            out.write(b"\0" * (-out.tell() % 32))
            for piece in draw(name, shape, kind):
                out.write(piece)
        out.write(b"\0" * (-out.tell() % 32))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True)
    write(parser.parse_args().out)


if __name__ == "__main__":
    main()
