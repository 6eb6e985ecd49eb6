#include "grammar/compile.h"

#include "grammar/compiled_grammar.h"
#include "grammar/regex.h"

namespace drawbridge {

Result<SharedGrammar> compile_regex(SharedVocabulary vocabulary, std::string_view pattern, const std::string& field,
                                    const GrammarLimits& limits) {
  Languages languages(limits.max_terms);
  DB_ASSIGN(const Languages::Term term, parse_regex(languages, pattern, RegexMatch::kWhole, field, limits));
  auto dfa = languages.to_dfa(term, limits.max_states);
  if (!dfa.ok()) return fail(dfa.status().code(), "{}: {}", field, dfa.status().message());
  ProgramBuilder builder(limits.max_states);
  const int32_t root = builder.add_rule("root");
  builder.define(root, builder.language(*dfa, ProgramBuilder::Spelling::kRaw));
  return make_grammar(std::move(vocabulary), builder, root, field, limits);
}

}  // namespace drawbridge
