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

}  // namespace

std::optional<std::string> token_to_bytes(std::string_view token) {
  static const std::array<int16_t, kAlphabetEnd> kByteOf = make_table();
  std::string bytes;
  for (size_t at = 0; at < token.size();) {
    const Utf8Step step = next_utf8(token, at);
    if (!step.valid) return std::nullopt;
    const char32_t code_point = decode_utf8(token.substr(at, step.bytes));
    if (code_point >= kByteOf.size() || kByteOf[code_point] < 0) return std::nullopt;
    bytes += static_cast<char>(kByteOf[code_point]);
    at += step.bytes;
  }
  return bytes;
}

}  // namespace drawbridge
