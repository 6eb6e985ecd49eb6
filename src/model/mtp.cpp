// The MTP (next-next-token) layer: embedding of the next token first, hidden second, then one ordinary sparse layer
// with its own caches and indexer. Embedding table and lm_head are the main model's.
#include "model/glm52.h"

namespace drawbridge {

View Glm52::forward_mtp(const Batch& b, View hidden, bool reuse_selection, std::span<const KvView> kv, Activations& a) {
  DB_CHECK(w_.mtp.has_value());
  const MtpWeights& w = *w_.mtp;
  a.set_rows(b.n_tokens(), static_cast<int64_t>(b.logit_row.size()));
  const View embedding = slice_cols(a.mtp_in, 0, cfg_.hidden);           // [T, D]
  const View previous = slice_cols(a.mtp_in, cfg_.hidden, cfg_.hidden);  // [T, D]
  ops_.embed(a.x, w_.embed, b.token);
  ops_.rms_norm(embedding, a.x, w.enorm, cfg_.rms_eps);
  ops_.rms_norm(previous, hidden, w.hnorm, cfg_.rms_eps);
  ops_.linear(a.x, a.mtp_in, w.eh_proj);  // x         [T, D]
  ops_.fill(a.resid, 0);
  layer(w.layer, kv.back(), b, reuse_selection, a);
  ops_.add_rms_norm(a.h, a.resid, a.x, w.head_norm, cfg_.rms_eps);  // h feeds the next draft step
  return logits(b, a);
}

}  // namespace drawbridge
