// For tests: a small model with its caches, fed by hand.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backend/trace_backend.h"
#include "model/glm52.h"
#include "model/pack_weights.h"

namespace drawbridge {

/// A tiny model with a paged cache of `n_requests` requests whose pages are interleaved.
class TinyModel {
 public:
  TinyModel(const Glm52Config& config, const std::string& directory, const CpuOptions& cpu, int64_t page_size = 4,
            int64_t n_requests = 1, bool pack = true)
      : page_size_(page_size), n_requests_(n_requests), config_(config) {
    auto weights = bind_glm52_weights(config_, Checkpoint::open(directory).value());
    DB_CHECK(weights.ok());
    weights_ = std::make_unique<Glm52Weights>(std::move(weights).value());
    backend_ = make_cpu_backend(cpu).value();
    if (pack) DB_CHECK(pack_glm52_weights(config_, *backend_, {2, ""}, *weights_).ok());
    max_pages_ = (kMaxTokens + page_size - 1) / page_size;
    cache_ = std::make_unique<KvCache>(KvCache::create(*backend_, config_, n_requests * max_pages_, page_size).value());
    activations_ = std::make_unique<Activations>(Activations::create(*backend_, config_, 4 * kMaxTokens, 64).value());
    for (int64_t r = 0; r < n_requests; ++r) {
      for (int64_t p = 0; p < max_pages_; ++p) {
        // Descending and interleaved: nothing may assume that pages lie side by side.
        page_table_.push_back(static_cast<int32_t>((max_pages_ - 1 - p) * n_requests + r));
      }
    }
  }

  struct Rows {
    std::vector<int32_t> token, pos, slot, request, logit_row;
  };

  /// Appends `tokens` of request r from position `from`; its last token wants logits.
  void append(Rows& rows, std::span<const int32_t> tokens, int64_t from, int32_t r = 0) const {
    for (size_t i = 0; i < tokens.size(); ++i) {
      rows.token.push_back(tokens[i]);
      rows.pos.push_back(static_cast<int32_t>(from) + static_cast<int32_t>(i));
      rows.request.push_back(r);
      const RowMap map{&r, page_table_.data(), max_pages_, n_requests_};
      rows.slot.push_back(static_cast<int32_t>(slot_of(map, page_size_, 0, rows.pos.back())));
    }
    rows.logit_row.push_back(static_cast<int32_t>(rows.token.size()) - 1);
  }

  Batch batch(const Rows& rows) const {
    return Batch{rows.token,
                 rows.pos,
                 rows.slot,
                 {rows.request.data(), page_table_.data(), max_pages_, n_requests_},
                 rows.logit_row};
  }

  /// Logits of each row that wants them.
  std::vector<std::vector<float>> step(const Rows& rows) {
    return copy_rows(Glm52(config_, *weights_, *backend_).forward(batch(rows), cache_->layers(), *activations_));
  }

  std::vector<std::vector<float>> mtp_step(const Rows& rows, const std::vector<float>& hidden, bool reuse) {
    std::vector<float> copy = hidden;
    const View view = dense_view(copy.data(), DType::kF32, {static_cast<int64_t>(rows.token.size()), config_.hidden});
    return copy_rows(
        Glm52(config_, *weights_, *backend_).forward_mtp(batch(rows), view, reuse, cache_->layers(), *activations_));
  }

  /// Feeds `tokens` in chunks of `chunk`; the last row's logits.
  std::vector<float> run(std::span<const int32_t> tokens, size_t chunk, int32_t r = 0) {
    std::vector<float> last;
    for (size_t from = 0; from < tokens.size(); from += chunk) {
      Rows rows;
      append(rows, tokens.subspan(from, std::min(chunk, tokens.size() - from)), static_cast<int64_t>(from), r);
      last = step(rows).back();
    }
    return last;
  }

  /// `trace`, which must outlive the model, sees its ops from now on.
  void trace(OpTrace& trace) { backend_ = make_trace_backend(std::move(backend_), trace); }

  const Glm52Weights& weights() const { return *weights_; }
  const Glm52Config& config() const { return config_; }
  Activations& activations() { return *activations_; }

  static std::vector<std::vector<float>> copy_rows(const View& v) {
    std::vector<std::vector<float>> rows;
    for (int64_t r = 0; r < v.dim(0); ++r) rows.emplace_back(v.row(r), v.row(r) + v.cols());
    return rows;
  }

 private:
  static constexpr int64_t kMaxTokens = 200;
  int64_t page_size_, n_requests_, max_pages_ = 0;
  Glm52Config config_;
  std::unique_ptr<Glm52Weights> weights_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<KvCache> cache_;
  std::unique_ptr<Activations> activations_;
  std::vector<int32_t> page_table_;
};

}  // namespace drawbridge
