// What a client may ask an answer to look like, compiled for one vocabulary: JSON Schema, any JSON, a regular
// expression, a GBNF grammar, or calls of tools in GLM's wire format. Slow work, never on the engine's thread.
// What is supported: docs/structured_output.md. What is not is an error that names where it stands (kUnsupported), as
// is what exceeds a limit (kOutOfRange) or is malformed (kInvalidArgument): no answer is ever left unconstrained.
// Threads: any.
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
  size_t max_text_bytes = 64u << 10;   // of a regular expression or GBNF text
  int max_depth = 64;                  // of parentheses and of nested schemas
  int64_t max_states = 200000;         // of the automaton that it becomes
  int64_t max_terms = 400000;          // fuel of regular expressions: terms made while they become automata
  int64_t max_configurations = 4096;   // ways to read the text so far, followed at the same time
  size_t max_cache_bytes = 64u << 20;  // of states and masks kept between tokens, for all answers of a grammar
};

struct JsonStyle {
  /// One space, or up to two line ends and twenty blanks, between JSON's tokens; otherwise none.
  bool any_whitespace = true;
};

using SharedVocabulary = std::shared_ptr<const Vocabulary>;
using SharedGrammar = std::shared_ptr<const TokenGrammar>;

/// `field` starts every error message, such as "response_format.json_schema.schema".
Result<SharedGrammar> compile_json_schema(SharedVocabulary vocabulary, const Json& schema, const std::string& field,
                                          const JsonStyle& style = {}, const GrammarLimits& limits = {});
/// One JSON object of any content.
Result<SharedGrammar> compile_json_object(SharedVocabulary vocabulary, const JsonStyle& style = {},
                                          const GrammarLimits& limits = {});
/// The whole answer matches.
Result<SharedGrammar> compile_regex(SharedVocabulary vocabulary, std::string_view pattern, const std::string& field,
                                    const GrammarLimits& limits = {});
/// llama.cpp's dialect of BNF; the answer is what the rule `root` derives.
Result<SharedGrammar> compile_gbnf(SharedVocabulary vocabulary, std::string_view text, const std::string& field,
                                   const GrammarLimits& limits = {});

struct ToolCallOptions {
  std::string name;      // the only tool that may be called; empty: any
  bool parallel = true;  // more than one call
};

/// At least one call of `tools` (OpenAI form), each argument fitting its schema: a parameter declared as a string
/// stands as raw text, any other as JSON.
Result<SharedGrammar> compile_tool_calls(SharedVocabulary vocabulary, const Json& tools, const ToolCallOptions& options,
                                         const GrammarLimits& limits = {});

/// Any text up to the token `begin` (</think>), then `grammar`; the answer cannot end before.
SharedGrammar after_token(SharedVocabulary vocabulary, int32_t begin, SharedGrammar grammar);

}  // namespace drawbridge
