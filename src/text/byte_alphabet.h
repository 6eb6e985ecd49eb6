// The GPT-2 byte alphabet: tokenizer.json writes each byte of a token as one printable character.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace drawbridge {

/// Bytes of a token as written in tokenizer.json, or nothing if a character is outside the alphabet.
std::optional<std::string> token_to_bytes(std::string_view token);
/// The reverse; any bytes can be written.
std::string bytes_to_token(std::string_view bytes);

}  // namespace drawbridge
