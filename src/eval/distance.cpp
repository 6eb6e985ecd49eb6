#include "eval/distance.h"

#include <algorithm>

#include "base/mapped_file.h"
#include "base/option_check.h"
#include "eval/canary.h"
#include "eval/distribution_meter.h"
#include "eval/model_pass.h"
#include "eval/tasks/needle.h"
#include "eval/windows.h"

namespace drawbridge {
namespace {

constexpr size_t kMaxTextBytes = size_t{1} << 30;

/// What both models must have in common for their choices to be comparable.
Status check_same_shape(const Glm52Config& reference, const Glm52Config& candidate) {
  const auto equal = [](const char* field, int64_t a, int64_t b) {
    if (a == b) return Status();
    return fail(Code::kInvalidArgument, "config.json: {}: the reference has {}, the candidate {}: not one model", field,
                a, b);
  };
  DB_TRY(equal("vocab_size", reference.vocab, candidate.vocab));
  DB_TRY(equal("num_hidden_layers", reference.n_layers, candidate.n_layers));
  DB_TRY(equal("n_routed_experts", reference.n_experts, candidate.n_experts));
  DB_TRY(equal("num_experts_per_tok", reference.experts_per_token, candidate.experts_per_token));
  DB_TRY(equal("index_topk", reference.index_topk, candidate.index_topk));
  for (int64_t layer = 0; layer < reference.n_layers; ++layer) {
    if (reference.is_sparse(layer) != candidate.is_sparse(layer) ||
        reference.is_full(layer) != candidate.is_full(layer)) {
      return fail(Code::kInvalidArgument, "config.json: layer {} is of another kind in the candidate: not one model",
                  layer);
    }
  }
  return Status();
}

using Windows = std::vector<std::vector<int32_t>>;

class Distance {
 public:
  Distance(const DistanceOptions& options, const TokenProgress& progress) : o_(options), progress_(progress) {}

  Result<DistributionReport> run() {
    DB_TRY(read_configs());
    DB_TRY(read_text());
    DB_TRY(load());
    DB_TRY(read_windows());
    DB_TRY(read_canaries());
    return report();
  }

 private:
  /// Windows must be longer than index_topk, or else the indexer has no choice to make.
  Status read_configs() {
    DB_ASSIGN(const Glm52Config reference, load_glm52_config(o_.reference.model));
    DB_ASSIGN(const Glm52Config candidate, load_glm52_config(o_.candidate.model));
    DB_TRY(check_same_shape(reference, candidate));
    const int64_t most = std::min(reference.max_positions, candidate.max_positions);
    context_ = o_.context > 0 ? o_.context : std::min(4 * reference.index_topk, most);
    if (context_ <= most) return Status();
    return fail(Code::kInvalidArgument, "--context: wanted at most the {}'s {} tokens, found {}",
                most == reference.max_positions ? "reference" : "candidate", most, context_);
  }

  Status read_text() {
    DB_ASSIGN(const std::string text, read_text_file(o_.text, kMaxTextBytes));
    DB_ASSIGN(const Tokenizer reference, Tokenizer::load(o_.reference.model + "/tokenizer.json"));
    DB_ASSIGN(const Tokenizer candidate, Tokenizer::load(o_.candidate.model + "/tokenizer.json"));
    if (o_.prefix) prefix_ = window_prefix(reference);
    const WindowOptions cut{context_, o_.max_tokens, o_.join, o_.prefix};
    DB_ASSIGN(windows_, cut_windows(reference, text, cut));
    DB_ASSIGN(const Windows others, cut_windows(candidate, text, cut));
    if (windows_ == others) return Status();
    return fail(Code::kInvalidArgument, "{}: the tokenizers of {} and {} cut it differently: not one model", o_.text,
                o_.reference.model, o_.candidate.model);
  }

  Result<std::unique_ptr<ModelPass>> load_pass(EngineOptions engine) const {
    engine.max_context = context_;
    engine.max_step_tokens = o_.chunk_tokens;
    return ModelPass::load(engine);
  }

  Status load() {
    DB_ASSIGN(reference_, load_pass(o_.reference));
    DB_ASSIGN(candidate_, load_pass(o_.candidate));
    const Glm52Config& config = reference_->config();
    for (const auto& window : windows_) {
      const auto strange = std::find_if(window.begin(), window.end(), [&](int32_t t) { return t >= config.vocab; });
      if (strange == window.end()) continue;
      return fail(Code::kInvalidArgument, "{}: token {} is outside of the model's vocabulary of {}", o_.text, *strange,
                  config.vocab);
    }
    experts_.resize(reference_->experts().size());
    indices_.resize(reference_->indices().size());
    plan_canaries();
    for (const auto& window : windows_) n_total_ += static_cast<int64_t>(window.size());
    for (const CanaryWindow& canary : canaries_) n_total_ += static_cast<int64_t>(canary.tokens.size());
    return Status();
  }

  void plan_canaries() {
    std::vector<int32_t> text;
    const auto n_prefix = static_cast<std::ptrdiff_t>(prefix_.size());
    for (const auto& window : windows_) text.insert(text.end(), window.begin() + n_prefix, window.end());
    CanaryPlan plan;
    plan.n_per_length = o_.n_canaries;
    plan.seed = o_.seed;
    plan.prefix = prefix_;
    plan.lengths = needle_lengths(reference_->config().index_topk, context_, 0);
    std::erase_if(plan.lengths, [this](int64_t length) { return length > context_; });
    canaries_ = make_canaries(plan, text);
  }

  /// Feeds one window to both; `visit` gets each position with the logits of both.
  template <typename Visit>
  Status read_both(std::span<const int32_t> window, bool compare_sets, Visit visit) {
    reference_->start_window();
    candidate_->start_window();
    const auto chunk = static_cast<size_t>(reference_->chunk_tokens());
    for (size_t from = 0; from < window.size(); from += chunk) {
      const auto tokens = window.subspan(from, std::min(chunk, window.size() - from));
      DB_ASSIGN(const View reference, reference_->read(tokens));
      DB_ASSIGN(const View candidate, candidate_->read(tokens));
      const auto n = static_cast<int64_t>(tokens.size());
      if (compare_sets) add_sets(static_cast<int64_t>(from), n);
      for (int64_t t = 0; t < n; ++t) {
        const auto width = static_cast<size_t>(reference.cols());
        DB_TRY(visit(static_cast<int64_t>(from) + t, std::span<const float>(reference.row(t), width),
                     std::span<const float>(candidate.row(t), width)));
      }
      n_done_ += n;
      progress_(n_done_, n_total_);
    }
    return Status();
  }

  void add_sets(int64_t from, int64_t n) {
    for (size_t i = 0; i < experts_.size(); ++i) {
      for (int64_t t = 0; t < n; ++t) experts_[i].add(reference_->experts()[i].row(t), candidate_->experts()[i].row(t));
    }
    // Before index_topk positions are known, both select all of them.
    const int64_t first = std::max<int64_t>(0, reference_->config().index_topk - from);
    for (size_t i = 0; i < indices_.size(); ++i) {
      for (int64_t t = first; t < n; ++t) {
        indices_[i].add(reference_->indices()[i].row(t), candidate_->indices()[i].row(t));
      }
    }
  }

  /// What follows within the prefix is no prediction of text.
  Status read_windows() {
    const auto n_prefix = static_cast<int64_t>(prefix_.size());
    for (size_t w = 0; w < windows_.size(); ++w) {
      const auto& window = windows_[w];
      DB_TRY(read_both(window, true, [&](int64_t position, auto reference, auto candidate) {
        if (position + 1 < n_prefix || position + 1 == static_cast<int64_t>(window.size())) return Status();
        return meter_.add_prediction(static_cast<int64_t>(w), position, reference, candidate,
                                     window[static_cast<size_t>(position) + 1]);
      }));
    }
    return Status();
  }

  Status read_canaries() {
    for (const CanaryWindow& canary : canaries_) {
      if (scores_.empty() || scores_.back().length != canary.length) scores_.push_back({.length = canary.length});
      CanaryScore& score = scores_.back();
      ++score.n_windows;
      DB_TRY(read_both(canary.tokens, false, [&](int64_t position, auto reference, auto candidate) {
        return add_canary_token(canary, position, reference, candidate, score);
      }));
    }
    return Status();
  }

  /// Only tokens inside of a copy are predicted from the copy.
  Status add_canary_token(const CanaryWindow& canary, int64_t position, std::span<const float> reference,
                          std::span<const float> candidate, CanaryScore& score) const {
    const bool in_first = position >= canary.first && position < canary.first + canary.n - 1;
    const bool in_second = position >= canary.second && position < canary.second + canary.n - 1;
    if (!in_first && !in_second) return Status();
    DB_ASSIGN(const PredictionPair pair,
              compare_prediction(reference, candidate, canary.tokens[static_cast<size_t>(position) + 1]));
    const double share = 1.0 / static_cast<double>((canary.n - 1) * o_.n_canaries);
    (in_first ? score.reference_first : score.reference_second) -= share * pair.reference_nll;
    (in_first ? score.candidate_first : score.candidate_second) -= share * pair.candidate_nll;
    if (in_second) score.kl_second += share * pair.kl;
    return Status();
  }

  DistributionReport report() const {
    DistributionReport report;
    report.reference = o_.reference.model;
    report.candidate = o_.candidate.model;
    report.reference_setting = o_.reference.numerics + " numerics, " + reference_->setting();
    report.candidate_setting = o_.candidate.numerics + " numerics, " + candidate_->setting();
    report.text = o_.text;
    report.index_topk = reference_->config().index_topk;
    report.context = context_;
    meter_.fill(report);
    for (size_t i = 0; i < experts_.size(); ++i) {
      report.experts.push_back(experts_[i].agreement(reference_->experts()[i].layer));
    }
    for (size_t i = 0; i < indices_.size(); ++i) {
      report.indices.push_back(indices_[i].agreement(reference_->indices()[i].layer));
    }
    report.canaries = scores_;
    return report;
  }

  const DistanceOptions& o_;
  const TokenProgress& progress_;
  int64_t context_ = 0;
  std::vector<int32_t> prefix_;  // of every window
  Windows windows_;
  std::vector<CanaryWindow> canaries_;
  std::unique_ptr<ModelPass> reference_, candidate_;
  DistributionMeter meter_;
  std::vector<SetMeter> experts_, indices_;
  std::vector<CanaryScore> scores_;
  int64_t n_done_ = 0, n_total_ = 0;
};

Status check_options(const DistanceOptions& o) {
  DB_TRY(check_at_least("--context", o.context, 0));
  DB_TRY(check_at_least("--max-tokens", o.max_tokens, 0));
  DB_TRY(check_at_least("--canaries", o.n_canaries, 0));
  return check_at_least("--max-step-tokens", o.chunk_tokens, 1);
}

}  // namespace

Result<DistributionReport> measure_distance(const DistanceOptions& options, const TokenProgress& progress) {
  DB_TRY(check_options(options));
  return Distance(options, progress).run();
}

}  // namespace drawbridge
