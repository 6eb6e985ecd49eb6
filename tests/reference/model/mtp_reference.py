"""The MTP layer in plain PyTorch, written from its definition, since transformers has none.

Embedding of the next token first, post-final-norm hidden second; then one sparse layer with its own indexer; the next
draft step gets the hidden after shared_head.norm and, with index sharing, the selection of step 0's last row.
"""
import torch
import torch.nn.functional as F


def rms(x, weight, eps):
    return weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps))


def rope(x, positions, theta):
    """Rotates pairs (2i, 2i + 1) of x [T, H, R]."""
    half = x.shape[-1] // 2
    angle = positions.float()[:, None] * (1.0 / theta ** (torch.arange(half).float() * 2 / x.shape[-1]))
    cos, sin = angle.cos()[:, None], angle.sin()[:, None]
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cos - odd * sin, odd * cos + even * sin], dim=-1).flatten(-2)


def mlp(x, weights, prefix):
    return F.linear(F.silu(F.linear(x, weights(prefix + "gate_proj.weight"))) * F.linear(x, weights(prefix + "up_proj.weight")),
                    weights(prefix + "down_proj.weight"))


class MtpLayer:
    """One layer with expanded keys and values, kept over the calls of one sequence."""

    def __init__(self, c, draw):
        self.c, self.draw, self.prefix = c, draw, f"model.layers.{c['num_hidden_layers']}."
        self.theta = c["rope_parameters"]["rope_theta"]
        self.keys, self.values, self.index_keys, self.selected = [], [], [], None

    def weight(self, name):
        c = self.c
        d, h, lq, lk = c["hidden_size"], c["num_attention_heads"], c["q_lora_rank"], c["kv_lora_rank"]
        n, r, v = c["qk_nope_head_dim"], c["qk_rope_head_dim"], c["v_head_dim"]
        ih, idim, i = c["index_n_heads"], c["index_head_dim"], c["moe_intermediate_size"]
        shared = i * c["n_shared_experts"] if "shared_experts" in name else i
        table = {"enorm": (d,), "hnorm": (d,), "shared_head.norm": (d,), "eh_proj": (d, 2 * d), "input_layernorm": (d,),
                 "post_attention_layernorm": (d,), "q_a_proj": (lq, d), "q_a_layernorm": (lq,),
                 "q_b_proj": (h * (n + r), lq), "kv_a_proj_with_mqa": (lk + r, d), "kv_a_layernorm": (lk,),
                 "kv_b_proj": (h * (n + v), lk), "o_proj": (d, h * v), "wq_b": (ih * idim, lq), "wk": (idim, d),
                 "k_norm": (idim,), "weights_proj": (ih, d), "gate_proj": (shared, d), "up_proj": (shared, d),
                 "down_proj": (d, shared), "mlp.gate": (c["n_routed_experts"], d)}
        base = name.removesuffix(".weight").removesuffix(".bias")
        if name.endswith("e_score_correction_bias"):
            shape = (c["n_routed_experts"],)
        else:
            shape = table[max((k for k in table if base.endswith(k)), key=len)]
        return self.draw(self.prefix + name, shape)

    def select(self, x, q_c, positions):
        c, w = self.c, self.weight
        ih, idim, r = c["index_n_heads"], c["index_head_dim"], c["qk_rope_head_dim"]
        q = F.linear(q_c, w("self_attn.indexer.wq_b.weight")).view(-1, ih, idim)
        k = F.layer_norm(F.linear(x, w("self_attn.indexer.wk.weight")), (idim,), w("self_attn.indexer.k_norm.weight"),
                         w("self_attn.indexer.k_norm.bias"), 1e-6)[:, None]
        q = torch.cat([rope(q[..., :r], positions, self.theta), q[..., r:]], -1)
        k = torch.cat([rope(k[..., :r], positions, self.theta), k[..., r:]], -1)[:, 0]
        self.index_keys.append(k)
        keys = torch.cat(self.index_keys)
        head = F.linear(x, w("self_attn.indexer.weights_proj.weight")) * ih**-0.5
        score = torch.einsum("th,thk->tk", head, F.relu(torch.einsum("thd,kd->thk", q, keys) * idim**-0.5))
        chosen = []
        for t, position in enumerate(positions.tolist()):
            causal = score[t, : position + 1]
            chosen.append(causal.topk(min(c["index_topk"], position + 1)).indices)
        return chosen

    def attention(self, x, positions, reuse):
        c, w = self.c, self.weight
        h, n, r, v, lk = (c["num_attention_heads"], c["qk_nope_head_dim"], c["qk_rope_head_dim"], c["v_head_dim"], c["kv_lora_rank"])
        q_c = rms(F.linear(x, w("self_attn.q_a_proj.weight")), w("self_attn.q_a_layernorm.weight"), 1e-6)
        q = F.linear(q_c, w("self_attn.q_b_proj.weight")).view(-1, h, n + r)
        q = torch.cat([q[..., :n], rope(q[..., n:], positions, self.theta)], -1)
        kv = F.linear(x, w("self_attn.kv_a_proj_with_mqa.weight"))
        latent = rms(kv[:, :lk], w("self_attn.kv_a_layernorm.weight"), 1e-6)
        k_rope = rope(kv[:, None, lk:], positions, self.theta)
        expanded = F.linear(latent, w("self_attn.kv_b_proj.weight")).view(-1, h, n + v)
        self.keys.append(torch.cat([expanded[..., :n], k_rope.expand(-1, h, -1)], -1))
        self.values.append(expanded[..., n:])
        keys, values = torch.cat(self.keys), torch.cat(self.values)
        if not reuse:
            self.selected = self.select(x, q_c, positions)
        out = []
        for t in range(x.shape[0]):
            chosen = self.selected[-1] if reuse else self.selected[t]
            p = (torch.einsum("hd,khd->hk", q[t], keys[chosen]) * (n + r) ** -0.5).softmax(-1)
            out.append(torch.einsum("hk,khd->hd", p, values[chosen]).flatten())
        return F.linear(torch.stack(out), w("self_attn.o_proj.weight"))

    def moe(self, x):
        c, w = self.c, self.weight
        s = torch.sigmoid(F.linear(x, w("mlp.gate.weight")))
        best = (s + w("mlp.gate.e_score_correction_bias")).topk(c["num_experts_per_tok"], -1).indices
        g = s.gather(-1, best)
        g = g / (g.sum(-1, keepdim=True) + 1e-20) * c["routed_scaling_factor"]
        routed = torch.stack([sum(g[t, j] * mlp(x[t], w, f"mlp.experts.{int(best[t, j])}.") for j in range(best.shape[1]))
                              for t in range(x.shape[0])])
        return routed + mlp(x, w, "mlp.shared_experts.")

    def step(self, embedding, hidden, positions, reuse):
        w, eps = self.weight, self.c["rms_norm_eps"]
        x = F.linear(torch.cat([rms(embedding, w("enorm.weight"), eps), rms(hidden, w("hnorm.weight"), eps)], -1),
                     w("eh_proj.weight"))
        x = x + self.attention(rms(x, w("input_layernorm.weight"), eps), positions, reuse)
        x = x + self.moe(rms(x, w("post_attention_layernorm.weight"), eps))
        return rms(x, w("shared_head.norm.weight"), eps)


@torch.no_grad()
def mtp_golden(c, draw, prompt, hidden, first_token, n_steps=3):
    """Draft logits [n_steps, V] after `prompt`, whose post-final-norm hidden states are `hidden` [T, D]."""
    embed = draw("model.embed_tokens.weight", (c["vocab_size"], c["hidden_size"]))
    head = draw("lm_head.weight", (c["vocab_size"], c["hidden_size"]))
    layer = MtpLayer(c, draw)
    tokens = torch.tensor(prompt[1:] + [first_token])
    h = layer.step(embed[tokens], hidden, torch.arange(len(prompt)), False)[-1:]
    logits = [F.linear(h, head)[0]]
    for step in range(1, n_steps):
        token = logits[-1].argmax()
        h = layer.step(embed[token][None], h, torch.tensor([len(prompt) + step - 1]), True)
        logits.append(F.linear(h, head)[0])
    return {"mtp.logits": torch.stack(logits).contiguous()}
