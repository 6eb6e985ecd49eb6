#include "model/activations.h"

#include <algorithm>

namespace drawbridge {
namespace {

struct Wish {
  View* view;
  DType dtype;
  int64_t heads;  // 0: rank 2
  int64_t width;
};

std::vector<Wish> token_wishes(Activations& a, const Glm52Config& c) {
  const DType f = DType::kF32, i = DType::kI32;
  const int64_t d = c.hidden, shared = c.moe_intermediate * c.n_shared_experts;
  const int64_t n_chosen = c.experts_per_token + (c.fuses_shared() ? 1 : 0);
  return {{&a.x, f, 0, d},
          {&a.resid, f, 0, d},
          {&a.h, f, 0, d},
          {&a.q_c, f, 0, c.q_lora},
          {&a.q, f, 0, c.n_heads * c.qk_head()},
          {&a.kv, f, 0, c.latent_width()},
          {&a.q_latent, f, c.n_heads, c.kv_lora},
          {&a.o_latent, f, c.n_heads, c.kv_lora},
          {&a.o, f, 0, c.n_heads * c.v_head},
          {&a.iq, f, 0, c.index_heads * c.index_dim},
          {&a.ik, f, 0, c.index_dim},
          {&a.iw, f, 0, c.index_heads},
          {&a.selected, i, 0, std::min(c.index_topk, c.max_positions)},
          {&a.gate, f, 0, c.intermediate},
          {&a.up, f, 0, c.intermediate},
          {&a.expert_gate, f, 0, shared},
          {&a.expert_up, f, 0, shared},
          {&a.router_logit, f, 0, c.n_experts},
          {&a.expert, i, 0, n_chosen},
          {&a.expert_weight, f, 0, n_chosen},
          {&a.shared, f, 0, d},
          {&a.mtp_in, f, 0, 2 * d}};
}

}  // namespace

Result<Activations> Activations::create(Backend& backend, const Glm52Config& config, int64_t max_tokens,
                                        int64_t max_logit_rows) {
  Activations a;
  a.max_tokens_ = max_tokens;
  a.max_logit_rows_ = max_logit_rows;
  const auto allocate = [&](const Wish& wish, int64_t rows) -> Status {
    const int64_t heads = std::max<int64_t>(wish.heads, 1);
    DB_ASSIGN(Buffer buffer, backend.allocate(rows * heads * wish.width * dtype_bytes(wish.dtype)));
    *wish.view = wish.heads > 0 ? dense_view(buffer.get(), wish.dtype, {rows, wish.heads, wish.width})
                                : dense_view(buffer.get(), wish.dtype, {rows, wish.width});
    a.buffers_.push_back(std::move(buffer));
    return Status();
  };
  for (const Wish& wish : token_wishes(a, config)) DB_TRY(allocate(wish, max_tokens));
  DB_TRY(allocate({&a.last, DType::kF32, 0, config.hidden}, max_logit_rows));
  DB_TRY(allocate({&a.logits, DType::kF32, 0, config.vocab}, max_logit_rows));
  return a;
}

void Activations::set_rows(int64_t n_tokens, int64_t n_logit_rows) {
  DB_CHECK(n_tokens <= max_tokens_ && n_logit_rows <= max_logit_rows_);
  for (View* view :
       {&x,      &resid, &h,        &q_c,  &q,  &kv,          &q_latent,  &o_latent,     &o,      &iq,
        &ik,     &iw,    &selected, &gate, &up, &expert_gate, &expert_up, &router_logit, &expert, &expert_weight,
        &shared, &mtp_in}) {
    view->shape[0] = n_tokens;
  }
  last.shape[0] = logits.shape[0] = n_logit_rows;
}

}  // namespace drawbridge
