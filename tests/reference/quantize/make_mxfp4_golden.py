#!/usr/bin/env python3
"""Writes tests/golden/quantize/model.safetensors: what AMD Quark stores for hard MXFP4 blocks, and PyTorch for FP8.

Needs amd-quark 0.13 and torch (any venv outside of the repository): python make_mxfp4_golden.py
The real file-to-file quantizer runs on a directory with one linear weight per element type, so that observer, element
rounding, packing and the E8M0 conversion are all Quark's own. Last made with amd-quark 0.13, torch 2.15.
"""
import json
import sys
import tempfile
from pathlib import Path

import torch
from quark.torch.quantization.config.config import OCP_MXFP4Spec, QConfig, QLayerConfig
from quark.torch.quantization.file2file_quantization import quantize_model_per_safetensor
from safetensors.torch import load_file, save_file

OUT = Path(__file__).resolve().parents[2] / "golden/quantize/model.safetensors"
BLOCK, WIDTH = 32, 128
TIES = [0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0]


def fill(head):
    """One block: `head`, then small values of both signs that never are the largest."""
    largest = max(abs(float(v)) for v in head)
    rest = [largest * ((i * 37 % 64) / 64 - 0.5) for i in range(BLOCK - len(head))]
    return list(head) + rest


def neighbours(value, dtype):
    one = torch.tensor([value], dtype=torch.float64).to(dtype)
    wide = {torch.float32: torch.int32, torch.bfloat16: torch.int16, torch.float16: torch.int16}[dtype]
    bits = one.view(wide)
    return [float((bits + step).view(dtype)) for step in (-2, -1, 0, 1, 2)]


def blocks(dtype):
    low, high = {torch.float32: (-126, 127), torch.bfloat16: (-126, 127), torch.float16: (-14, 15)}[dtype]
    tiny, largest = torch.finfo(dtype).smallest_normal, torch.finfo(dtype).max
    step = float(torch.tensor([1], dtype=torch.int16 if dtype != torch.float32 else torch.int32).view(dtype))
    out = [[0.0] * BLOCK, [-0.0] * BLOCK, fill([0.0, -0.0, 1.0, -1.0])]
    for e in (low + 4, 0, high - 4):  # every tie, under a largest value that does and does not saturate
        for top in (4.0, 6.0, 6.9):
            out.append(fill([top * 2.0**e] + [s * t * 2.0**e for t in TIES for s in (1, -1)]))
    for i in range(48, 128):  # every bf16 mantissa from 1.375 on as the largest value
        out.append(fill([(1 + i / 128) * 2.0 ** (i % 13 - 6)]))
    for e in (low, low + 1, -3, 0, high - 1, high):
        for value in neighbours(1.75 * 2.0**e, dtype) + neighbours(1.5 * 2.0**e, dtype):
            out.append(fill([-value]))
    for count in (1, 2, 3, 5, 7, 11, 96, 127):  # subnormals, and across the border to normals
        out.append(fill([count * step]))
    out += [fill([tiny * f]) for f in (0.25, 0.5, 0.75, 0.875, 1.0, 1.5, 1.75, 2.0, 3.5, 4.0, 7.0, 8.0)]
    out += [fill([largest]), fill([-largest, largest / 2]), fill([largest, tiny, step])]
    torch.manual_seed(1)
    out += (torch.randn(8, BLOCK, dtype=torch.float64) * 2.0 ** torch.randint(-8, 8, (8, 1))).tolist()
    return out


def quark(tensors):
    """{name: [N, K]} -> {name.weight, name.weight_scale} by Quark."""
    with tempfile.TemporaryDirectory() as source, tempfile.TemporaryDirectory() as target:
        save_file({f"{name}.weight": t for name, t in tensors.items()}, f"{source}/model.safetensors", {"format": "pt"})
        dtype = str(next(iter(tensors.values())).dtype).removeprefix("torch.")
        config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": dtype}
        Path(source, "config.json").write_text(json.dumps(config))
        weight = OCP_MXFP4Spec(ch_axis=-1, is_dynamic=False).to_quantization_spec()
        quantize_model_per_safetensor(source, QConfig(global_quant_config=QLayerConfig(weight=weight)), target, device="cpu")
        return load_file(f"{target}/model.safetensors")


def fp8(x):
    """[N, K] f32 -> codes and scales of 128 x 128 blocks, largest value / 448, as the official FP8 export."""
    n, k = x.shape
    codes, scales = torch.empty(n, k, dtype=torch.float8_e4m3fn), torch.empty(-(-n // 128), -(-k // 128))
    for i in range(0, n, 128):
        for j in range(0, k, 128):
            block = x[i : i + 128, j : j + 128]
            largest = block.abs().max()
            scale = largest / 448 if largest > 0 else torch.tensor(1.0)
            scales[i // 128, j // 128] = scale
            codes[i : i + 128, j : j + 128] = (block / scale).to(torch.float8_e4m3fn)
    return codes, scales


def main():
    golden = {}
    for dtype, name in ((torch.float32, "f32"), (torch.bfloat16, "bf16")):
        flat = torch.tensor(blocks(dtype), dtype=torch.float64).to(dtype).flatten()
        flat = torch.cat([flat, torch.ones(-len(flat) % WIDTH, dtype=dtype)])
        golden[f"{name}.input"] = flat.reshape(-1, WIDTH)
        for key, value in quark({name: golden[f"{name}.input"]}).items():
            golden[key] = value
    torch.manual_seed(2)
    x = torch.randn(129, 130) * 2.0 ** torch.randint(-20, 4, (129, 1))
    x[128:, 128:] = 0
    x[0, 0], x[3, 4] = 0.0, -0.0
    golden["fp8.input"] = x.to(torch.bfloat16)
    golden["fp8.weight"], golden["fp8.weight_scale_inv"] = fp8(golden["fp8.input"].float())
    OUT.parent.mkdir(parents=True, exist_ok=True)
    save_file({k: v.contiguous() for k, v in golden.items()}, OUT)
    OUT.chmod(0o644)
    print({k: (tuple(v.shape), str(v.dtype)) for k, v in golden.items()}, OUT.stat().st_size, file=sys.stderr)


if __name__ == "__main__":
    main()
