// SHA-256 of what a result is about: data files and the model's files.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace drawbridge {

/// 64 hex digits.
std::string sha256_hex(std::string_view bytes);

/// One hash over the names and contents of the files that decide what the model in `directory` answers: configuration,
/// tokenizer and weights. Reads all of them.
Result<std::string> model_sha256(const std::string& directory);

}  // namespace drawbridge
