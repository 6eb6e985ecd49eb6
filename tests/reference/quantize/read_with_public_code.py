#!/usr/bin/env python3
"""Reads a checkpoint of `drawbridge quantize` with code of others and compares every value with ours.

python read_with_public_code.py DIR [--max N]: for each MXFP4 matrix of DIR
  quark       AMD Quark 0.13: its config class reads quantization_config, its own unpacking and E8M0 scale decode the file
  compressed  compressed-tensors 0.20: its E2M1 unpacking and E8M0 scale
and each FP8 block matrix is finite as torch.float8_e4m3fn times its repeated scale. "Ours" is written below from docs/formats.md
alone. Prints how many matrices and values were compared; anything but exact equality ends with exit code 1.
On models/glm52-nano: recipe amd, 156 MXFP4 matrices equal; experts+fp8, 156 MXFP4 and 80 FP8 matrices; amd-quark 0.13,
compressed-tensors 0.20, torch 2.15.
"""
import argparse
import json
from pathlib import Path

import torch
from compressed_tensors.compressors.nvfp4.helpers import unpack_fp4_from_uint8
from quark.torch.quantization.config.config import QConfig
from quark.torch.utils.pack import create_pack_method
from safetensors import safe_open

E2M1 = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6])


def ours(codes, scale):
    nibbles = torch.stack([codes & 15, codes >> 4], -1).flatten(1)
    return (E2M1[nibbles.long()].unflatten(1, (-1, 32)) * torch.exp2(scale.float() - 127).unsqueeze(-1)).flatten(1)


def by_quark(codes, scale):
    values = create_pack_method(qscheme="per_group", dtype="fp4").unpack(codes, reorder=True)
    factor = 2 ** (scale.view(torch.uint8).to(torch.int16) - 127).to(torch.float32)  # as in quark's realquantizer
    return values * factor.repeat_interleave(32, 1)


def by_compressed_tensors(codes, scale):
    values = unpack_fp4_from_uint8(codes, codes.shape[0], codes.shape[1] * 2, dtype=torch.float32)
    return values * torch.exp2(scale.float() - 127).repeat_interleave(32, 1)


def tensors_of(directory):
    index = directory / "model.safetensors.index.json"
    names = sorted(set(json.loads(index.read_text())["weight_map"].values())) if index.exists() else ["model.safetensors"]
    for name in names:
        with safe_open(directory / name, "pt") as file:
            for key in file.keys():
                yield key, file


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--max", type=int, default=10**9)
    arguments = parser.parse_args()
    config = json.loads((arguments.directory / "config.json").read_text())["quantization_config"]
    if config["quant_method"] == "quark":
        parsed = QConfig.from_dict(config)
        print("quark reads quantization_config:", parsed.global_quant_config.weight.dtype, len(parsed.exclude), "excluded")
    counts, n_values = {"mxfp4": 0, "fp8": 0}, 0
    for key, file in tensors_of(arguments.directory):
        if not key.endswith(".weight") or sum(counts.values()) >= arguments.max:
            continue
        weight = file.get_tensor(key)
        if weight.dtype == torch.uint8:
            scale = file.get_tensor(key + "_scale")
            wanted = ours(weight, scale)
            for found in (by_quark(weight, scale), by_compressed_tensors(weight, scale)):
                assert torch.equal(found, wanted), key
            counts["mxfp4"] += 1
        elif weight.dtype == torch.float8_e4m3fn:
            scale = file.get_tensor(key + ("_scale" if config["quant_method"] == "quark" else "_scale_inv"))
            grown = scale.repeat_interleave(128, 0)[: weight.shape[0]].repeat_interleave(128, 1)[:, : weight.shape[1]]
            assert torch.isfinite(weight.float() * grown).all(), key
            counts["fp8"] += 1
        else:
            continue
        n_values += weight.numel()
    print("equal:", counts, n_values, "bytes of codes")


if __name__ == "__main__":
    main()
