"""What training adds to HF's own GLM-5.2 classes: attention that skips the selection (dense, as all training text is
seen), the loss that teaches an indexer where its layers attend, experts without a one-hot mask, and the MTP layer.

The result is saved under the checkpoint's names and checked with HF's unmodified classes (golden.py, evaluate.py).
"""
import torch
import torch.nn.functional as F
from torch import nn
from transformers import GlmMoeDsaConfig, GlmMoeDsaForCausalLM
from transformers.models.glm_moe_dsa.modeling_glm_moe_dsa import (
    GlmMoeDsaAttention, GlmMoeDsaDecoderLayer, GlmMoeDsaExperts, GlmMoeDsaRMSNorm, apply_rotary_pos_emb_interleave)


class DenseAttention(GlmMoeDsaAttention):
    """Every causal key instead of the indexer's choice. With `probe` (query rows [P]) it leaves what the indexer's
    loss needs: `seen` [B, P, S], the mean attention of those rows over heads, and the indexer's own inputs."""

    probe = None

    def forward(self, hidden_states, position_embeddings, attention_mask, keys_values=None, **_):
        b, s, _ = hidden_states.shape
        q_c = self.q_a_layernorm(self.q_a_proj(hidden_states))
        q = self.q_b_proj(q_c).view(b, s, -1, self.qk_head_dim).transpose(1, 2)
        q_nope, q_rope = q.split([self.qk_nope_head_dim, self.qk_rope_head_dim], dim=-1)
        latent, k_rope = self.kv_a_proj_with_mqa(hidden_states).split([self.kv_lora_rank, self.qk_rope_head_dim], -1)
        q_rope, k_rope = apply_rotary_pos_emb_interleave(q_rope, k_rope.unsqueeze(1), *position_embeddings)
        q = torch.cat([q_nope, q_rope], dim=-1)
        if keys_values is None:
            keys_values = self.expand_kv(self.kv_a_layernorm(latent).unsqueeze(1), k_rope)
        k, v = keys_values
        wide_v = F.pad(v, (0, self.qk_head_dim - self.v_head_dim))  # equal widths: PyTorch's fused kernel takes it
        out = F.scaled_dot_product_attention(q, k, wide_v, attn_mask=attention_mask, scale=self.scaling)
        out = out[..., : self.v_head_dim]
        if self.probe is not None:
            with torch.no_grad():
                score = (q[:, :, self.probe] @ k.transpose(-1, -2)).float() * self.scaling
                score = score.masked_fill(~attention_mask[:, :, self.probe], float("-inf"))
                self.seen = score.softmax(-1).mean(1)
                self.inputs = (hidden_states.detach(), q_c.detach(), position_embeddings)
        return self.o_proj(out.transpose(1, 2).reshape(b, s, -1)), None, keys_values


def index_scores(indexer, hidden, q_c, position_embeddings, rows):
    """The indexer's scores [B, P, S] of query rows `rows` before the causal mask; HF's own forward has no gradient."""
    cos, sin = position_embeddings
    b, s, _ = hidden.shape
    r = indexer.qk_rope_head_dim
    q = indexer.wq_b(q_c[:, rows]).view(b, len(rows), indexer.n_heads, indexer.head_dim)
    k = indexer.k_norm(indexer.wk(hidden)).unsqueeze(2)
    q_rope, _ = apply_rotary_pos_emb_interleave(q[..., :r], q[..., :r], cos[:, rows], sin[:, rows], unsqueeze_dim=2)
    k_rope, _ = apply_rotary_pos_emb_interleave(k[..., :r], k[..., :r], cos, sin, unsqueeze_dim=2)
    q = torch.cat([q_rope, q[..., r:]], -1).float()
    k = torch.cat([k_rope, k[..., r:]], -1).squeeze(2).float()
    match = F.relu(torch.einsum("bphd,bsd->bhps", q, k) * indexer.softmax_scale)
    weight = indexer.weights_proj(hidden[:, rows].float()).float() * indexer.n_heads**-0.5
    return torch.einsum("bph,bhps->bps", weight, match)


def indexer_loss(attentions, mask, rows):
    """Mean KL(attention || softmax of index scores) over the full layers; a full layer answers for itself and for
    the shared layers that reuse its choice."""
    losses = []
    for i, layer in enumerate(attentions):
        if layer.indexer is None:
            continue
        group = [layer.seen]
        for follower in attentions[i + 1 :]:
            if follower.indexer is not None:
                break
            group.append(follower.seen)
        target = torch.stack(group).mean(0)
        score = index_scores(layer.indexer, *layer.inputs, rows)
        logp = score.masked_fill(~mask[:, 0, rows], float("-inf")).log_softmax(-1)
        kl = target * (target.clamp_min(1e-9).log() - logp.masked_fill(target == 0, 0))
        losses.append(kl.sum(-1).mean())
    return torch.stack(losses).mean()


class SortedExperts(GlmMoeDsaExperts):
    """The same sum with the rows of each expert taken together: one gather, one scatter."""

    def forward(self, hidden_states, top_k_index, top_k_weights):
        k = top_k_index.shape[1]
        order = top_k_index.flatten().argsort()
        counts = torch.bincount(top_k_index.flatten(), minlength=self.num_experts).tolist()
        rows = order // k
        parts = []
        for e, x in enumerate(hidden_states[rows].split(counts)):
            gate, up = F.linear(x, self.gate_up_proj[e]).chunk(2, -1)
            parts.append(F.linear(F.silu(gate) * up, self.down_proj[e]))
        weighted = torch.cat(parts) * top_k_weights.flatten()[order, None]
        return torch.zeros_like(hidden_states).index_add(0, rows, weighted.to(hidden_states.dtype))


class MtpLayer(nn.Module):
    """Multi-token prediction (DeepSeek-V3, 2.2) with GLM's shared keys: draft step j reads the keys and values that
    step 0 wrote, up to the last verified position."""

    def __init__(self, cfg, layer):
        super().__init__()
        d = cfg.hidden_size
        self.enorm, self.hnorm = GlmMoeDsaRMSNorm(d, cfg.rms_norm_eps), GlmMoeDsaRMSNorm(d, cfg.rms_norm_eps)
        self.eh_proj = nn.Linear(2 * d, d, bias=False)
        self.layer = layer
        self.norm = GlmMoeDsaRMSNorm(d, cfg.rms_norm_eps)

    def forward(self, hidden, embedded, position_embeddings, mask, keys_values=None):
        x = self.eh_proj(torch.cat([self.enorm(embedded), self.hnorm(hidden)], -1))
        x, keys_values = self.layer(x, attention_mask=mask, position_embeddings=position_embeddings,
                                    keys_values=keys_values)
        return self.norm(x), keys_values

    def checkpoint_state(self):
        """Tensors under the names of glm_moe_dsa's layer `num_hidden_layers`, without the prefix."""
        names = {"norm.weight": "shared_head.norm.weight"}
        return {names.get(k, k.removeprefix("layer.")): v for k, v in self.state_dict().items()}


def with_mtp_layer(cfg_dict):
    """The config whose layer `num_hidden_layers` is the MTP layer: sparse, with an indexer of its own."""
    more = {"num_hidden_layers": cfg_dict["num_hidden_layers"] + 1, "dtype": "float32",
            "indexer_types": [*cfg_dict["indexer_types"], "full"],
            "mlp_layer_types": [*cfg_dict["mlp_layer_types"], "sparse"]}
    extended = GlmMoeDsaConfig(**{**{k: v for k, v in cfg_dict.items() if k != "layer_types"}, **more})
    extended._attn_implementation = "sdpa"
    return extended


def training_layer(cfg, index):
    layer = GlmMoeDsaDecoderLayer(cfg, index)
    layer.self_attn = DenseAttention(cfg, index)
    if hasattr(layer.mlp, "experts"):
        layer.mlp.experts = SortedExperts(cfg)
    return layer


class TrainingModel(nn.Module):
    """HF's model with the layers above, and the MTP layer behind it."""

    def __init__(self, cfg_dict):
        super().__init__()
        self.cfg = GlmMoeDsaConfig(**{**cfg_dict, "dtype": "float32"})
        self.cfg._attn_implementation = "sdpa"
        n = self.cfg.num_hidden_layers
        self.lm = GlmMoeDsaForCausalLM(self.cfg)
        for i in range(n):
            self.lm.model.layers[i] = training_layer(self.cfg, i)
        self.mtp = MtpLayer(self.cfg, training_layer(with_mtp_layer(cfg_dict), n))
        for name, p in self.named_parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=self.cfg.initializer_range)
        for name, p in self.named_parameters():  # GPT-2's rule: what writes to the residual starts smaller
            if name.endswith(("o_proj.weight", "down_proj.weight", "down_proj")):
                p.data.mul_((2 * n) ** -0.5)

    def all_attentions(self):
        """In order, the MTP layer's last."""
        return [l.self_attn for l in [*self.lm.model.layers, self.mtp.layer]]

    def gates(self):
        layers = [*self.lm.model.layers, self.mtp.layer]
        return [l.mlp.gate for l in layers if hasattr(l.mlp, "gate")]

    def trunk(self, ids, mask):
        """Hidden states [B, S, D] after the final norm, and the rotary table."""
        m = self.lm.model
        x = m.embed_tokens(ids)
        rotary = m.rotary_emb(x, position_ids=torch.arange(ids.shape[1]).unsqueeze(0))
        for layer in m.layers:
            x, _ = layer(x, attention_mask=mask, position_embeddings=rotary)
        return m.norm(x), rotary
