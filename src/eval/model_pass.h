// ModelPass: one checkpoint reading given tokens in chunks: logits at every position, and what its router and indexer
// chose there. Memory is bounded by the chunk, whatever the window.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/step.h"

namespace drawbridge {

/// Sets chosen on one layer for the rows of a chunk: row t is [t * width, (t + 1) * width), -1 = none.
struct ChosenSets {
  int64_t layer = 0;
  int64_t width = 0;
  std::vector<int32_t> chosen;

  std::span<const int32_t> row(int64_t t) const {
    return std::span(chosen).subspan(static_cast<size_t>(t * width), static_cast<size_t>(width));
  }
};

class ModelPass {
 public:
  /// Windows have at most options.max_context tokens, chunks options.max_step_tokens.
  static Result<std::unique_ptr<ModelPass>> load(const EngineOptions& options);
  ~ModelPass();

  const Glm52Config& config() const;
  /// What decides the numbers beside the weights: inputs of products and the cache's type.
  std::string setting() const;
  int64_t chunk_tokens() const { return chunk_tokens_; }

  void start_window() { tokens_.clear(); }
  /// The window's next tokens, at most chunk_tokens(). Logits [T, V] of each, valid until the next call.
  Result<View> read(std::span<const int32_t> tokens);

  /// Of the last chunk: experts on sparse layers, positions on full layers, in the order of layers.
  const std::vector<ChosenSets>& experts() const;
  const std::vector<ChosenSets>& indices() const;

 private:
  class Recorder;

  explicit ModelPass(int64_t chunk_tokens);

  int64_t chunk_tokens_;
  int64_t max_tokens_ = 0;              // that the pages hold
  std::unique_ptr<Recorder> recorder_;  // before the runner, which refers to it
  std::unique_ptr<StepRunner> runner_;
  std::vector<int32_t> tokens_;  // of the window so far
  std::vector<int32_t> pages_;   // all of the pool, which holds one window
};

}  // namespace drawbridge
