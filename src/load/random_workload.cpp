#include "load/random_workload.h"

#include <algorithm>
#include <cmath>

#include "base/rng.h"

namespace drawbridge {
namespace {

constexpr uint64_t kPrefixStream = 0;  // of the words; requests have their own from 1 on

std::string lengths_text(const RandomWorkloadOptions& o) {
  if (o.range_ratio == 1) return fmt::format("fixed {} in {} out", o.n_prompt, o.n_output);
  return fmt::format("uniform {}-{} in {}-{} out", std::llround(o.range_ratio * static_cast<double>(o.n_prompt)),
                     o.n_prompt, std::llround(o.range_ratio * static_cast<double>(o.n_output)), o.n_output);
}

class RandomWorkload : public Workload {
 public:
  RandomWorkload(const RandomWorkloadOptions& options, PromptText text) : o_(options), text_(std::move(text)) {}

  Result<std::optional<PlannedRequest>> next(int64_t lane) override;
  std::string description() const override {
    const auto percent = std::llround(100 * o_.cache_hit);
    return lengths_text(o_) + (percent > 0 ? fmt::format(", {}% shared prefix", percent) : "");
  }
  std::string cache_design() const override { return o_.cache_hit > 0 ? "one shared prefix" : ""; }

 private:
  int64_t draw_length(int64_t most);

  const RandomWorkloadOptions o_;
  const PromptText text_;
  uint64_t n_requests_ = 0;
  uint64_t n_draws_ = 0;
  int64_t n_prefix_sent_ = 0;  // longest so far
};

int64_t RandomWorkload::draw_length(int64_t most) {
  const auto least = std::max<int64_t>(1, std::llround(o_.range_ratio * static_cast<double>(most)));
  const auto n_lengths = static_cast<uint64_t>(most - least + 1);
  return least + static_cast<int64_t>(bits_at(o_.seed, n_draws_++) % n_lengths);
}

Result<std::optional<PlannedRequest>> RandomWorkload::next(int64_t) {
  PlannedRequest request;
  request.n_prompt = draw_length(o_.n_prompt);
  request.n_output = draw_length(o_.n_output);
  const int64_t n_prefix = std::llround(o_.cache_hit * static_cast<double>(request.n_prompt));
  const int64_t n_words = request.n_prompt - std::llround(text_.costs().per_request);
  request.n_cached = std::min(n_prefix, n_prefix_sent_);
  n_prefix_sent_ = std::max(n_prefix_sent_, n_prefix);
  // What the server puts before the first word is the same for all.
  const auto n_shared = std::min<int64_t>(n_prefix, n_words - 1);
  std::string text = n_prefix > 0 ? text_.draw(kPrefixStream, n_shared) + ' ' : "";
  text += text_.draw(++n_requests_, n_words - std::max<int64_t>(n_shared, 0));
  request.messages.push_back({"user", std::move(text)});
  return std::optional(std::move(request));
}

}  // namespace

Result<std::unique_ptr<Workload>> make_random_workload(const RandomWorkloadOptions& o, PromptText text) {
  const double shortest = std::max(1.0, o.range_ratio * static_cast<double>(o.n_prompt));
  if (shortest < text.costs().per_request + 2) {
    return fail(Code::kInvalidArgument,
                "--input: wanted at least {} tokens for the shortest prompt, found {}: the server adds {} to each",
                std::ceil(text.costs().per_request + 2), std::floor(shortest), text.costs().per_request);
  }
  return std::unique_ptr<Workload>(new RandomWorkload(o, std::move(text)));
}

}  // namespace drawbridge
