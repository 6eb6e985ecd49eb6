// How the dollars of some hours are divided between uncached input, cached input and output tokens.
//
// There is no true division: the same seconds serve all three. The rule is one of two, and every report names it:
// - by seconds, where the server says how long it worked on input and on output: each gets its own seconds' dollars;
//   a cached token has no seconds of its own and gets none.
// - by weights otherwise: an output token counts `output_weight` uncached input tokens, a cached one `cached_weight`.
// Whatever the rule, the three parts add up to the dollars.
#pragma once

#include <optional>
#include <string>

#include "cost/catalog.h"

namespace drawbridge {

struct TokenMix {
  double uncached = 0;
  double cached = 0;
  double output = 0;
};

/// Seconds in which the server computed.
struct PhaseSeconds {
  double input = 0;
  double output = 0;

  double total() const { return input + output; }
};

/// In uncached input tokens.
struct TokenWeights {
  double cached = 0;
  double output = 1;
};

struct Attribution {
  TokenWeights weights;
  std::string rule;  // for people
};

/// By weights as an API's prices stand to each other.
Attribution attribution_by_price(const std::string& model, const ApiPrice& price);
Attribution attribution_by_weights(TokenWeights weights);
/// By seconds: the weights that give input and output the dollars of their own seconds. kInvalidArgument where a kind
/// has seconds but no tokens, or no time was counted.
Result<Attribution> attribution_by_seconds(const PhaseSeconds& busy, const TokenMix& tokens);

/// "CACHED:OUTPUT", such as 0.19:3.1.
Result<TokenWeights> parse_weights(const std::string& text);

/// "INPUT:OUTPUT", such as 41.5:18.2.
Result<PhaseSeconds> parse_phase_seconds(const std::string& text);

/// Dollars a million tokens; absent for a kind of which there were no tokens.
struct Rates {
  std::optional<double> uncached, cached, output;
};

/// Tokens as if all were uncached input.
double weighted_tokens(const TokenMix& tokens, const TokenWeights& weights);
Rates divide_dollars(double dollars, const TokenMix& tokens, const TokenWeights& weights);

}  // namespace drawbridge
