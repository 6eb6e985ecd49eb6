// The tokenizer of a GGUF file (tokenizer.ggml.*) against the files of a HuggingFace directory, both ways.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "gguf/gguf_keys.h"
#include "gguf/gguf_writer.h"
#include "text/tokenizer_json.h"

namespace drawbridge {

/// tokenizer.json. Control and user-defined tokens become added tokens, unused ones disappear. Errors name the key:
/// another kind of tokenizer than GLM's, a token that stands twice, lists of different lengths.
Result<std::string> tokenizer_json_from_gguf(const GgufKeys& keys);

/// The ids that end a text: eos, end of turn (eot), end of message (eom, before a tool's answer); empty where the file
/// names none.
Result<std::vector<int64_t>> eos_from_gguf(const GgufKeys& keys, int64_t vocab);

/// tokenizer.ggml.* for a model of `vocab` rows: ids without a token are padded, as llama.cpp wants one for each row.
/// Errors: a split regex or a switch that no name of llama.cpp's stands for.
Result<GgufKeyList> gguf_from_tokenizer(const TokenizerSpec& spec, const std::vector<int32_t>& eos, int64_t vocab,
                                        const std::string& source);

}  // namespace drawbridge
