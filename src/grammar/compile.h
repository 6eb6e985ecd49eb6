// What a client may ask an answer to look like, compiled for one vocabulary: slow work, never on the engine's thread.
// What is not supported is an error that names where it stands (kUnsupported), as is what exceeds a limit (kOutOfRange)
// or is malformed (kInvalidArgument): no answer is ever left unconstrained. Threads: any.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "grammar/vocabulary.h"
#include "text/token_constraint.h"

namespace drawbridge {

struct GrammarLimits {
  size_t max_text_bytes = 64u << 10;  // of a regular expression
  size_t max_schema_bytes = 256u << 10;
  int64_t max_alternatives = 20000;    // of a schema, once anyOf and allOf are multiplied out
  int max_depth = 64;                  // of parentheses and of nested schemas
  int64_t max_states = 200000;         // of the automaton that it becomes
  int64_t max_terms = 400000;          // fuel of regular expressions: terms made while they become automata
  int64_t max_configurations = 4096;   // ways to read the text so far, followed at the same time
  size_t max_cache_bytes = 64u << 20;  // of states and masks kept between tokens, for all answers of a grammar
};

using SharedVocabulary = std::shared_ptr<const Vocabulary>;
using SharedGrammar = std::shared_ptr<const TokenGrammar>;

/// `field` starts every error message, such as "response_format.regex".
/// The whole answer matches.
Result<SharedGrammar> compile_regex(SharedVocabulary vocabulary, std::string_view pattern, const std::string& field,
                                    const GrammarLimits& limits = {});

/// The answer is a JSON value that satisfies the schema: compact, but one space may follow ',' and ':'. Members may
/// stand in any order. `format` is an annotation, as in JSON Schema 2020-12.
Result<SharedGrammar> compile_json_schema(SharedVocabulary vocabulary, const Json& schema, const std::string& field,
                                          const GrammarLimits& limits = {});

/// Any JSON object.
Result<SharedGrammar> compile_json_object(SharedVocabulary vocabulary, const std::string& field,
                                          const GrammarLimits& limits = {});

struct ToolChoice {
  enum class Kind {
    kAuto,      // text, then any number of calls
    kRequired,  // calls, at least one
    kNamed,     // one call of `name`
  };
  Kind kind = Kind::kRequired;
  std::string name = {};
};

/// What follows the reasoning: calls of `tools` (OpenAI's array) as GLM writes them, their declared parameters in any
/// order and each as its schema wants it; a parameter that is not declared is not admitted.
Result<SharedGrammar> compile_tool_calls(SharedVocabulary vocabulary, const Json& tools, const ToolChoice& choice,
                                         const std::string& field, const GrammarLimits& limits = {});

}  // namespace drawbridge
