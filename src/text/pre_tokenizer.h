// Cuts text into the pieces that BPE may not merge across: the Split regexes of tokenizer.json, through PCRE2 with JIT
// and a match limit. Behaviour "Isolated": matches and the gaps between them both become pieces.
// Threads: const functions may run at the same time.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct pcre2_real_code_8;

namespace drawbridge {

class PreTokenizer {
 public:
  /// `patterns` are applied one after the other, each to the pieces of the one before.
  static Result<PreTokenizer> compile(const std::vector<std::string>& patterns, const std::string& source);

  /// Appends the pieces of valid UTF-8 `text` (views into it) to `pieces`.
  Status split(std::string_view text, std::vector<std::string_view>& pieces) const;

 private:
  std::vector<std::shared_ptr<const pcre2_real_code_8>> codes_;
};

}  // namespace drawbridge
