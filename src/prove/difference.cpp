#include "prove/difference.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace drawbridge {
namespace {

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

/// Infinite when they cannot be compared.
double gap(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double most = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double distance = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    most = std::isnan(distance) ? std::numeric_limits<double>::infinity() : std::max(most, distance);
  }
  return most;
}

std::optional<Difference> compare(const Transcript& wanted, const Transcript& found) {
  const size_t n = std::max(wanted.tokens.size(), found.tokens.size());
  const auto token = [](const Transcript& t, size_t i) { return i < t.tokens.size() ? t.tokens[i] : -1; };
  const auto logits = [](const Transcript& t, size_t i) {
    return i < t.logits.size() ? t.logits[i] : std::vector<float>();
  };
  for (size_t i = 0; i < n; ++i) {
    Difference d;
    d.position = static_cast<int64_t>(i);
    d.wanted_token = token(wanted, i);
    d.found_token = token(found, i);
    const std::vector<float> a = logits(wanted, i), b = logits(found, i);
    if (d.wanted_token == d.found_token && same_bits(a, b)) continue;
    d.logit_gap = gap(a, b);
    return d;
  }
  return std::nullopt;
}

}  // namespace

std::string Difference::text() const {
  return fmt::format("turn {}, request {}, token {}: wanted {}, found {}", turn + 1, request, position, wanted_token,
                     found_token);
}

std::optional<Difference> first_difference(const ProofRun& wanted, const ProofRun& found) {
  for (int64_t turn = 0; turn < 2; ++turn) {
    for (size_t i = 0; i < wanted.turns[turn].size(); ++i) {
      auto difference = compare(wanted.turns[turn][i], found.turns[turn][i]);
      if (!difference) continue;
      difference->turn = turn;
      difference->request = static_cast<int64_t>(i);
      return difference;
    }
  }
  return std::nullopt;
}

}  // namespace drawbridge
