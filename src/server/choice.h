// Choice: what one engine request has produced and not yet given out, in the wire shape of one endpoint.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "engine/engine.h"

namespace drawbridge {

class Choice {
 public:
  virtual ~Choice() = default;

  /// Takes in what a step produced. The end may only be a stop or a full length.
  virtual void push(const Output& output) = 0;
  /// The `choices` entries of the stream's next chunks; the last one ever has the finish reason.
  virtual std::vector<Json> take_chunks() = 0;
  /// The `choices` entry of an answer in one piece, after the last push.
  virtual Json take_whole() = 0;
  /// Tokens spent on reasoning so far.
  virtual int64_t n_reasoning_tokens() const { return 0; }
};

}  // namespace drawbridge
