#include "eval/model_pass.h"

#include <numeric>

namespace drawbridge {

/// Copies each layer's choice; the n-th call of a step belongs to the n-th sparse or full layer.
class ModelPass::Recorder : public OpObserver {
 public:
  std::vector<ChosenSets> experts, indices;

  void prepare(const Glm52Config& config) {
    for (int64_t layer = 0; layer < config.n_layers; ++layer) {
      if (config.is_sparse(layer)) experts.push_back({layer, config.experts_per_token, {}});
      if (config.is_full(layer)) indices.push_back({layer, config.index_topk, {}});
    }
  }
  void start_step() { n_routed_ = n_selected_ = 0; }

  void on_route(const View& expert) override { record(expert, experts.at(n_routed_++)); }
  void on_index_topk(const View& selected, std::span<const int32_t>) override {
    record(selected, indices.at(n_selected_++));
  }

 private:
  static void record(const View& rows, ChosenSets& sets) {
    DB_CHECK(rows.cols() == sets.width);
    sets.chosen.clear();
    for (int64_t t = 0; t < rows.dim(0); ++t) {
      const auto* row = rows.as<int32_t>() + t * rows.stride[0];
      sets.chosen.insert(sets.chosen.end(), row, row + sets.width);
    }
  }

  size_t n_routed_ = 0, n_selected_ = 0;
};

ModelPass::ModelPass(int64_t chunk_tokens) : chunk_tokens_(chunk_tokens), recorder_(std::make_unique<Recorder>()) {}
ModelPass::~ModelPass() = default;

Result<std::unique_ptr<ModelPass>> ModelPass::load(const EngineOptions& options) {
  DB_ASSIGN(const Glm52Config config, load_glm52_config(options.model));
  std::unique_ptr<ModelPass> pass(new ModelPass(options.max_step_tokens));
  pass->recorder_->prepare(config);
  EngineOptions one_window = options;
  one_window.kv_tokens = std::min(options.max_context, config.max_positions);
  one_window.max_running = options.max_step_tokens;  // every token of a chunk wants logits
  DB_ASSIGN(pass->runner_, make_step_runner(one_window, config, {pass->recorder_.get()}));
  pass->max_tokens_ = pass->runner_->n_pages() * one_window.page_size;
  pass->pages_.resize(static_cast<size_t>(pass->runner_->n_pages()));
  std::iota(pass->pages_.begin(), pass->pages_.end(), 0);
  return pass;
}

const Glm52Config& ModelPass::config() const {
  return runner_->config();
}

std::string ModelPass::setting() const {
  const Numerics& numerics = runner_->backend().numerics();
  return fmt::format("inputs {}, cache {}", input_codec_name(numerics.input_codec),
                     kv_cache_type_name(numerics.kv_cache));
}

const std::vector<ChosenSets>& ModelPass::experts() const {
  return recorder_->experts;
}

const std::vector<ChosenSets>& ModelPass::indices() const {
  return recorder_->indices;
}

Result<View> ModelPass::read(std::span<const int32_t> tokens) {
  DB_CHECK(static_cast<int64_t>(tokens.size()) <= chunk_tokens_);
  DB_CHECK(static_cast<int64_t>(tokens_.size() + tokens.size()) <= max_tokens_);
  recorder_->start_step();
  // A grant yields the logits of its last token, so each token is a grant of its own; a row's result is the same bits
  // however the rows were granted.
  Plan plan;
  for (size_t i = 0; i < tokens.size(); ++i) {
    plan.grants.push_back({1, static_cast<int64_t>(tokens_.size() + i), 1, 1});
  }
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  return runner_->run(plan, [this](RequestId) { return StepRunner::Request{tokens_, pages_}; });
}

}  // namespace drawbridge
