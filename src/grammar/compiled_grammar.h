// CompiledGrammar: a Program with the states and token masks that its answers have met so far. They are shared by all
// answers of the grammar and thrown away together when they grow beyond a limit; answers under way then go on in new
// ones.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "grammar/automaton.h"
#include "grammar/compile.h"
#include "grammar/program_builder.h"

namespace drawbridge {

class CompiledGrammar : public TokenGrammar, public std::enable_shared_from_this<CompiledGrammar> {
 public:
  /// States and masks. Threads: under `mutex`; a mask that was given out stays as it is.
  struct Cache {
    std::mutex mutex;
    Automaton automaton;
    std::unordered_map<int32_t, std::vector<uint64_t>> masks;

    Cache(const Program& program, int64_t max_configurations) : automaton(program, max_configurations) {}
    size_t n_bytes() const;
  };

  CompiledGrammar(SharedVocabulary vocabulary, Program program, const GrammarLimits& limits);

  std::unique_ptr<TokenConstraint> start() const override;

  const Vocabulary& vocabulary() const { return *vocabulary_; }
  size_t max_cache_bytes() const { return limits_.max_cache_bytes; }
  std::shared_ptr<Cache> cache() const;
  /// The cache to go on in once `full` is; another answer may have replaced it before.
  std::shared_ptr<Cache> replace(const std::shared_ptr<Cache>& full) const;

 private:
  std::shared_ptr<Cache> make_cache() const;

  const SharedVocabulary vocabulary_;
  const Program program_;
  const GrammarLimits limits_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<Cache> cache_;
};

/// What `builder` has made, with the whole answer as rule `root`. `field` begins every error.
Result<SharedGrammar> make_grammar(SharedVocabulary vocabulary, ProgramBuilder& builder, int32_t root,
                                   const std::string& field, const GrammarLimits& limits);

/// The tokens that may follow at `state`.
Result<std::vector<uint64_t>> token_mask(const Vocabulary& vocabulary, Automaton& automaton, int32_t state);

}  // namespace drawbridge
