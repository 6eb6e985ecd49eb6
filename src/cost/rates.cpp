#include "cost/rates.h"

#include <charconv>
#include <cmath>
#include <utility>

namespace drawbridge {
namespace {

constexpr double kMillion = 1e6;

/// The whole of `text` as a number of 0 or more.
std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || !std::isfinite(value) || value < 0) return std::nullopt;
  return value;
}

/// "A:B".
std::optional<std::pair<double, double>> pair_of(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto first = number_of(text.substr(0, colon));
  const auto second = number_of(text.substr(colon + 1));
  if (!first || !second) return std::nullopt;
  return std::pair(*first, *second);
}

}  // namespace

Attribution attribution_by_price(const std::string& model, const ApiPrice& price) {
  const double cached = price.cached ? price.cached->value : price.input.value;
  Attribution a{{cached / price.input.value, price.output.value / price.input.value}, ""};
  a.rule = fmt::format(
      "by weights 1 : {:.3g} : {:.3g} (uncached, cached, output), as {}'s prices of {} stand to each other "
      "({}, {})",
      a.weights.cached, a.weights.output, price.provider, model, price.input.from.source, price.input.from.date);
  return a;
}

Attribution attribution_by_weights(TokenWeights weights) {
  return {weights, fmt::format("by weights 1 : {:.3g} : {:.3g} (uncached, cached, output), as given", weights.cached,
                               weights.output)};
}

Result<Attribution> attribution_by_seconds(const PhaseSeconds& busy, const TokenMix& tokens) {
  if (!(busy.input > 0) || !(busy.output > 0) || tokens.uncached <= 0 || tokens.output <= 0) {
    return fail(Code::kInvalidArgument,
                "seconds by phase: wanted input and output to have seconds and tokens, found {:.3g} s for {:.0f} "
                "uncached input tokens and {:.3g} s for {:.0f} output tokens; give --weights",
                busy.input, tokens.uncached, busy.output, tokens.output);
  }
  const double output_weight = (busy.output / tokens.output) / (busy.input / tokens.uncached);
  return Attribution{{0, output_weight},
                     fmt::format("by the server's seconds: {:.1f} % on input, {:.1f} % on output; a cached token has "
                                 "none of its own",
                                 100 * busy.input / busy.total(), 100 * busy.output / busy.total())};
}

Result<TokenWeights> parse_weights(const std::string& text) {
  if (const auto pair = pair_of(text)) return TokenWeights{pair->first, pair->second};
  return fail(Code::kInvalidArgument,
              "--weights: wanted CACHED:OUTPUT in uncached input tokens, such as 0.19:3.1, found '{}'", text);
}

Result<PhaseSeconds> parse_phase_seconds(const std::string& text) {
  if (const auto pair = pair_of(text)) return PhaseSeconds{pair->first, pair->second};
  return fail(Code::kInvalidArgument, "--busy-seconds: wanted INPUT:OUTPUT, such as 41.5:18.2, found '{}'", text);
}

double weighted_tokens(const TokenMix& tokens, const TokenWeights& weights) {
  return tokens.uncached + weights.cached * tokens.cached + weights.output * tokens.output;
}

Rates divide_dollars(double dollars, const TokenMix& tokens, const TokenWeights& weights) {
  const double total = weighted_tokens(tokens, weights);
  if (!(total > 0)) return {};
  const double per_million = kMillion * dollars / total;
  Rates rates;
  if (tokens.uncached > 0) rates.uncached = per_million;
  if (tokens.cached > 0) rates.cached = per_million * weights.cached;
  if (tokens.output > 0) rates.output = per_million * weights.output;
  return rates;
}

}  // namespace drawbridge
