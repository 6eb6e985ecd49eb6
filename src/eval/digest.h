// SHA-256 of the model that a result is about.
#pragma once

#include <string>

#include "base/result.h"

namespace drawbridge {

/// One hash over the names and contents of the files that decide what the model in `directory` answers: configuration,
/// tokenizer and weights. Reads all of them.
Result<std::string> model_sha256(const std::string& directory);

}  // namespace drawbridge
