#include "load/knee_search.h"

#include <algorithm>
#include <cmath>

namespace drawbridge {
namespace {

constexpr int kMaxPoints = 16;
constexpr double kLeastShare = 0.9;
constexpr double kMostGrowth = 2;
constexpr double kLeastTtft = 0.5;    // seconds: below it growth is noise
constexpr size_t kLeastRequests = 9;  // for medians of thirds
constexpr size_t kLeastCame = 30;     // for counts to mean something

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::string ttft_growth(const std::vector<double>& ttfts) {
  if (ttfts.size() < kLeastRequests) return "";
  const auto third = static_cast<std::ptrdiff_t>(ttfts.size() / 3);
  const double first = median({ttfts.begin(), ttfts.begin() + third});
  const double last = median({ttfts.end() - third, ttfts.end()});
  if (last <= kLeastTtft || last <= kMostGrowth * first) return "";
  return fmt::format("time to first token grew from {:.2f} s to {:.2f} s", first, last);
}

}  // namespace

void KneeSearch::add(double rate_rps, bool is_saturated) {
  ++n_points_;
  if (is_saturated) {
    bad_ = std::min(bad_.value_or(rate_rps), rate_rps);
  } else {
    good_ = std::max(good_.value_or(rate_rps), rate_rps);
  }
  const bool is_bracketed = good_ && bad_;
  if (n_points_ >= kMaxPoints || (is_bracketed && *bad_ < 1.9 * *good_)) {
    next_.reset();
  } else if (is_bracketed) {
    next_ = std::sqrt(*good_ * *bad_);
  } else {
    next_ = is_saturated ? rate_rps / 2 : rate_rps * 2;
  }
}

std::string saturation(const LoadRun& run) {
  const double half_s = run.arrivals_end_s / 2;
  size_t n_all = 0;
  size_t n_failed = 0;
  size_t n_came = 0;          // in the second half of the arrivals
  size_t n_ended = 0;         // in the same time
  std::vector<double> ttfts;  // in order of time
  for (const RequestRecord& record : run.requests) {
    if (record.is_warmup) continue;
    ++n_all;
    n_came += record.due_s >= half_s ? 1 : 0;
    n_ended += record.end_s >= half_s && record.end_s <= run.arrivals_end_s ? 1 : 0;
    if (record.succeeded()) {
      ttfts.push_back(record.first_token_s - record.due_s);
    } else {
      ++n_failed;
    }
  }
  if (n_failed * 10 >= n_all) return fmt::format("{} of {} requests failed", n_failed, n_all);
  if (const std::string growth = ttft_growth(ttfts); !growth.empty()) return growth;
  if (n_came < kLeastCame || static_cast<double>(n_ended) >= kLeastShare * static_cast<double>(n_came)) return "";
  return fmt::format("{} requests ended while {} came", n_ended, n_came);
}

}  // namespace drawbridge
