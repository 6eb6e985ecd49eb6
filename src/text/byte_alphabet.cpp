#include "text/byte_alphabet.h"

#include <array>
#include <cstdint>

#include "text/utf8.h"

namespace drawbridge {
namespace {

constexpr int kAlphabetEnd = 256 + 68;  // 188 bytes stand for themselves, the other 68 follow U+00FF

bool stands_for_itself(int byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
}

std::array<int16_t, kAlphabetEnd> make_table() {
  std::array<int16_t, kAlphabetEnd> table;
  table.fill(-1);
  int next = 256;
  for (int byte = 0; byte < 256; ++byte) {
    const int code_point = stands_for_itself(byte) ? byte : next++;
    table[static_cast<size_t>(code_point)] = static_cast<int16_t>(byte);
  }
  return table;
}

const std::array<int16_t, kAlphabetEnd>& byte_of() {
  static const std::array<int16_t, kAlphabetEnd> kByteOf = make_table();
  return kByteOf;
}

std::array<std::string, 256> make_characters() {
  std::array<std::string, 256> characters;
  for (size_t code_point = 0; code_point < kAlphabetEnd; ++code_point) {
    const int16_t byte = byte_of()[code_point];
    if (byte >= 0) append_utf8(static_cast<char32_t>(code_point), characters[static_cast<size_t>(byte)]);
  }
  return characters;
}

}  // namespace

std::optional<std::string> token_to_bytes(std::string_view token) {
  const auto& table = byte_of();
  std::string bytes;
  for (size_t at = 0; at < token.size();) {
    const Utf8Step step = next_utf8(token, at);
    if (!step.valid) return std::nullopt;
    const char32_t code_point = decode_utf8(token.substr(at, step.bytes));
    if (code_point >= table.size() || table[code_point] < 0) return std::nullopt;
    bytes += static_cast<char>(table[code_point]);
    at += step.bytes;
  }
  return bytes;
}

std::string bytes_to_token(std::string_view bytes) {
  static const std::array<std::string, 256> kCharacters = make_characters();
  std::string token;
  for (const char byte : bytes) token += kCharacters[static_cast<uint8_t>(byte)];
  return token;
}

}  // namespace drawbridge
