// TokenConstraint: which tokens an answer may go on with, such as those that keep it inside a grammar.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"

namespace drawbridge {

/// The state of one answer. Threads: one at a time.
class TokenConstraint {
 public:
  virtual ~TokenConstraint() = default;

  /// Bit t % 64 of word t / 64 is set when token t may come next; end tokens are set where the answer may end. Empty:
  /// everything may. Valid until the next call. Error: the request ends with it; no answer goes on unconstrained.
  virtual Result<std::span<const uint64_t>> allowed() = 0;
  /// The answer goes on with an allowed token.
  virtual Status accept(int32_t token) = 0;
  /// Takes the last n accepted tokens back.
  virtual void rollback(int64_t n) = 0;
};

/// What was compiled once and may be shared by many answers. Threads: any.
class TokenGrammar {
 public:
  virtual ~TokenGrammar() = default;
  /// At the beginning of an answer.
  virtual std::unique_ptr<TokenConstraint> start() const = 0;
};

}  // namespace drawbridge
