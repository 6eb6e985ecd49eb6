// Needle items: one record hidden in a long text among records of others, asked for at the end. Their lengths straddle
// index_topk: below it the sparse indexer selects every position and is never put to the test.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "eval/item.h"

namespace drawbridge {

struct NeedleOptions {
  int64_t index_topk = 2048;
  int64_t max_context = 32768;  // tokens of the model
  int64_t n_per_length = 10;    // items, their depths spread evenly from the start to the end
  uint64_t seed = 1;
  std::string haystack;  // text to hide records in; empty: made-up sentences
  bool chat = true;      // false: a raw prompt for the model to continue
};

/// Tokens of a context for the chat format, the answer, and the last sentence's overshoot.
constexpr int64_t kNeedleReserve = 192;

/// 0.5, 1 (plus one token), 4 and 16 times index_topk.
std::array<int64_t, 4> wanted_needle_lengths(int64_t index_topk);
/// One of them as it fits: cut to the context less `reserve`, at least long enough for the records.
int64_t fit_needle_length(int64_t wanted, int64_t max_context, int64_t reserve = kNeedleReserve);
/// All as they fit. Ascending, each once.
std::vector<int64_t> needle_lengths(int64_t index_topk, int64_t max_context, int64_t reserve = kNeedleReserve);
/// Those that do not fit, in words; empty: all do.
std::vector<std::string> needle_length_notes(int64_t index_topk, int64_t max_context);

using TokenCounter = std::function<Result<int64_t>(std::string_view)>;

/// The same items for the same options. A prompt has at least the wanted number of tokens and at most a sentence more.
Result<std::vector<EvalItem>> needle_items(const NeedleOptions& options, const TokenCounter& count_tokens);

/// The first run of digits; empty if there is none.
std::string_view first_number(std::string_view text);
/// 1 if the first number in the answer is the expected one, else 0.
double score_needle(std::string_view answer, std::string_view expected);

/// Length and depth of a needle item, from its id; nothing for other ids.
struct NeedlePlace {
  int64_t length = 0;
  int64_t depth_percent = 0;
};
std::optional<NeedlePlace> needle_place(const std::string& id);

}  // namespace drawbridge
