#include "model/pack_weights.h"

#include "base/huge_region.h"
#include "base/sha256.h"
#include "base/units.h"
#include "tensor/panel.h"
#include "weights/panel_packer.h"

namespace drawbridge {
namespace {

class Packing {
 public:
  Packing(const Glm52Config& config, const Backend& backend) : c_(config), backend_(backend) {}

  void add(Glm52Weights& w) {
    matrix(w.lm_head);
    for (LayerWeights& layer_weights : w.layer) layer(layer_weights);
    if (!w.mtp) return;
    matrix(w.mtp->eh_proj);
    layer(w.mtp->layer);
  }

  PanelPacker& packer() { return packer_; }

 private:
  void matrix(Matrix& w) {
    if (backend_.prefers_panels(w.format) && has_panels(w.format, w.k)) packer_.add(w);
  }
  /// Each head's rows are multiplied by inputs of its own.
  void heads(Matrix& w) {
    if (w.n / c_.n_heads % kPanelRows == 0) matrix(w);
  }

  void layer(LayerWeights& w) {
    for (Matrix* m : {&w.attn.q_a, &w.attn.q_b, &w.attn.kv_a, &w.attn.o}) matrix(*m);
    heads(w.attn.k_b);
    heads(w.attn.v_b);
    if (w.attn.indexer) {  // its head weights go through linear_f32, which takes rows
      matrix(w.attn.indexer->q_b);
      matrix(w.attn.indexer->k);
    }
    if (auto* dense = std::get_if<MlpMatrices>(&w.mlp)) return mlp(*dense);
    auto& moe = std::get<MoeWeights>(w.mlp);
    for (MlpMatrices& expert : moe.experts) mlp(expert);
    if (moe.shared && !moe.fuses_shared()) mlp(*moe.shared);
  }

  void mlp(MlpMatrices& w) {
    for (Matrix* m : {&w.gate, &w.up, &w.down}) matrix(*m);
  }

  const Glm52Config& c_;
  const Backend& backend_;
  PanelPacker packer_;
};

/// The shared expert is held twice under two names, and packed under one.
void follow_fused(LayerWeights& w) {
  auto* const moe = std::get_if<MoeWeights>(&w.mlp);
  if (moe != nullptr && moe->fuses_shared()) moe->shared = moe->experts.back();
}

/// The cache's file is for these weights, in this layout, by this way of packing.
Result<PanelCache> cache_of(const PanelPacker& packer, const std::string& directory, const Checkpoint& checkpoint) {
  DB_ASSIGN(const std::string weights, checkpoint.fingerprint());
  return PanelCache(directory, sha256_of(weights + packer.layout()));
}

/// ", 99 % of them in huge pages". Whether the system gives those is its own choice, and worth up to a tenth.
std::string pages_text(std::span<const uint8_t> panels) {
  const auto share = huge_page_share(panels);
  return share ? fmt::format(", {:.0f} % of them in huge pages", 100 * *share) : "";
}

Result<std::string> pack_or_map(PanelPacker& packer, const PackingOptions& options, Glm52Weights& weights) {
  const int64_t n_bytes = packer.n_bytes();
  if (n_bytes == 0) return std::string();
  std::optional<PanelCache> cache;
  if (!options.cache.empty()) {
    DB_ASSIGN(cache, cache_of(packer, options.cache, weights.checkpoint));
    DB_ASSIGN(std::optional<MappedFile> file, cache->open(n_bytes));
    if (file) {
      packer.map(weights.packed, *std::move(file));
      return fmt::format("{} of panels mapped from {}", format_bytes(n_bytes), cache->path());
    }
  }
  const auto release = [&](const Matrix& rows) {
    weights.checkpoint.release(rows.data, rows.n * matrix_row_bytes(rows.format, rows.k));
  };
  DB_TRY(packer.pack(weights.packed, options.n_threads, release));
  std::string done = fmt::format("{} packed in panels{}", format_bytes(n_bytes), pages_text(packer.packed()));
  if (!cache) return done;
  DB_TRY(cache->write(packer.packed()));
  return fmt::format("{}, kept in {}", done, cache->path());
}

}  // namespace

Result<std::string> pack_glm52_weights(const Glm52Config& config, const Backend& backend, const PackingOptions& options,
                                       Glm52Weights& weights) {
  Packing packing(config, backend);
  packing.add(weights);
  DB_ASSIGN(std::string done, pack_or_map(packing.packer(), options, weights));
  for (LayerWeights& layer : weights.layer) follow_fused(layer);
  if (weights.mtp) follow_fused(weights.mtp->layer);
  return done;
}

}  // namespace drawbridge
