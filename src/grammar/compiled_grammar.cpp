#include "grammar/compiled_grammar.h"

#include <algorithm>

namespace drawbridge {
namespace {

/// Walks all strings of `trie` at once, leaving out what is below a dead end.
void walk(const TokenTrie& trie, Automaton& automaton, int32_t start, std::span<uint64_t> mask) {
  std::vector<int32_t> path = {start};  // the state after each byte of the way to the node
  for (size_t i = 0; i < trie.nodes.size();) {
    const TokenTrie::Node& node = trie.nodes[i];
    path.resize(static_cast<size_t>(node.depth));
    const int32_t state = automaton.step(path.back(), node.byte);
    if (state == Automaton::kDead) {
      i = static_cast<size_t>(node.next);
      continue;
    }
    path.push_back(state);
    for (int32_t k = 0; k < node.n; ++k) allow(mask, trie.tokens[static_cast<size_t>(node.first + k)]);
    ++i;
  }
}

class Constraint : public TokenConstraint {
 public:
  explicit Constraint(std::shared_ptr<const CompiledGrammar> grammar)
      : grammar_(std::move(grammar)), cache_(grammar_->cache()), states_{cache_->automaton.start()} {}

  Result<std::span<const uint64_t>> allowed() override {
    DB_TRY(move_on_if_full());
    const std::lock_guard lock(cache_->mutex);
    const auto [found, is_new] = cache_->masks.try_emplace(states_.back());
    if (is_new) {
      auto mask = token_mask(grammar_->vocabulary(), cache_->automaton, states_.back());
      if (!mask.ok()) {
        cache_->masks.erase(found);
        return mask.status();
      }
      found->second = std::move(mask).value();
    }
    return std::span<const uint64_t>(found->second);
  }

  Status accept(int32_t token) override {
    const std::lock_guard lock(cache_->mutex);
    DB_ASSIGN(const int32_t state, after(states_.back(), token));
    states_.push_back(state);
    tokens_.push_back(token);
    return Status();
  }

  void rollback(int64_t n) override {
    DB_CHECK(n >= 0 && n <= static_cast<int64_t>(tokens_.size()));
    tokens_.resize(tokens_.size() - static_cast<size_t>(n));
    states_.resize(tokens_.size() + 1);
  }

 private:
  Result<int32_t> after(int32_t state, int32_t token) {
    const Vocabulary& vocabulary = grammar_->vocabulary();
    Automaton& automaton = cache_->automaton;
    if (token >= 0 && token < vocabulary.n_tokens() && state != Automaton::kDead) {
      if (vocabulary.is_end(token) && automaton.is_final(state)) return Automaton::kDead;  // nothing may follow
      const std::string_view bytes = vocabulary.bytes(token);
      const int32_t next = bytes.empty() ? Automaton::kDead : automaton.run(state, bytes);
      DB_TRY(Status(automaton.status()));
      if (next != Automaton::kDead) return next;
    }
    return fail(Code::kInvalidArgument, "grammar: token {} may not follow here", token);
  }

  /// Reads the answer so far again in a new cache.
  Status move_on_if_full() {
    {
      const std::lock_guard lock(cache_->mutex);
      if (cache_->n_bytes() <= grammar_->max_cache_bytes()) return Status();
    }
    cache_ = grammar_->replace(cache_);
    const std::lock_guard lock(cache_->mutex);
    states_.assign(1, cache_->automaton.start());
    for (const int32_t token : tokens_) {
      DB_ASSIGN(const int32_t state, after(states_.back(), token));
      states_.push_back(state);
    }
    if (cache_->n_bytes() <= grammar_->max_cache_bytes() / 2) return Status();
    return fail(Code::kResourceExhausted, "grammar: wanted at most {} bytes of states for one answer, found more",
                grammar_->max_cache_bytes() / 2);
  }

  const std::shared_ptr<const CompiledGrammar> grammar_;
  std::shared_ptr<CompiledGrammar::Cache> cache_;
  std::vector<int32_t> tokens_, states_;  // states_[i] is before tokens_[i]
};

}  // namespace

Result<std::vector<uint64_t>> token_mask(const Vocabulary& vocabulary, Automaton& automaton, int32_t state) {
  std::vector<uint64_t> mask(vocabulary.n_words());
  if (state == Automaton::kDead) return mask;
  const int64_t n_plain = automaton.n_plain(state);
  for (const TokenGroup& group : vocabulary.groups()) {
    if (group.n_characters > 0 && group.n_characters <= n_plain) {
      std::transform(mask.begin(), mask.end(), group.mask.begin(), mask.begin(), std::bit_or<>());
    } else {
      walk(group.trie, automaton, state, mask);
    }
  }
  DB_TRY(Status(automaton.status()));
  if (automaton.is_final(state)) {
    for (const int32_t token : vocabulary.end_tokens()) allow(mask, token);
  }
  return mask;
}

size_t CompiledGrammar::Cache::n_bytes() const {
  const size_t mask_bytes = masks.empty() ? 0 : masks.begin()->second.size() * sizeof(uint64_t) + 64;
  return automaton.n_bytes() + masks.size() * mask_bytes;
}

CompiledGrammar::CompiledGrammar(SharedVocabulary vocabulary, Program program, const GrammarLimits& limits)
    : vocabulary_(std::move(vocabulary)), program_(std::move(program)), limits_(limits), cache_(make_cache()) {}

std::shared_ptr<CompiledGrammar::Cache> CompiledGrammar::make_cache() const {
  return std::make_shared<Cache>(program_, limits_.max_configurations);
}

std::unique_ptr<TokenConstraint> CompiledGrammar::start() const {
  return std::make_unique<Constraint>(shared_from_this());
}

std::shared_ptr<CompiledGrammar::Cache> CompiledGrammar::cache() const {
  const std::lock_guard lock(mutex_);
  return cache_;
}

std::shared_ptr<CompiledGrammar::Cache> CompiledGrammar::replace(const std::shared_ptr<Cache>& full) const {
  const std::lock_guard lock(mutex_);
  if (cache_ == full) cache_ = make_cache();
  return cache_;
}

Result<SharedGrammar> make_grammar(SharedVocabulary vocabulary, ProgramBuilder& builder, int32_t root,
                                   const std::string& field, const GrammarLimits& limits) {
  auto program = builder.finish(root);
  if (!program.ok()) return fail(program.status().code(), "{}: {}", field, program.status().message());
  return SharedGrammar(std::make_shared<CompiledGrammar>(std::move(vocabulary), std::move(program).value(), limits));
}

}  // namespace drawbridge
