#include "eval/windows.h"

#include <algorithm>

namespace drawbridge {
namespace {

constexpr std::string_view kMarker = "<|document|>";

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

std::vector<std::string_view> split_at_blank_lines(std::string_view text) {
  std::vector<std::string_view> parts;
  size_t document = 0;
  for (size_t line = 0; line < text.size();) {
    const size_t end = std::min(text.find('\n', line), text.size() - 1) + 1;
    if (is_blank(text.substr(line, end - line))) {
      parts.push_back(text.substr(document, line - document));
      document = end;
    }
    line = end;
  }
  parts.push_back(text.substr(document));
  return parts;
}

std::vector<std::string_view> split_at_marker(std::string_view text) {
  std::vector<std::string_view> parts;
  for (size_t at = text.find(kMarker); at != std::string_view::npos; at = text.find(kMarker)) {
    parts.push_back(text.substr(0, at));
    text.remove_prefix(at + kMarker.size());
  }
  parts.push_back(text);
  return parts;
}

}  // namespace

std::vector<std::string_view> split_documents(std::string_view text, bool join) {
  std::vector<std::string_view> parts = {text};
  if (!join) {
    parts = text.find(kMarker) != std::string_view::npos ? split_at_marker(text) : split_at_blank_lines(text);
  }
  std::erase_if(parts, is_blank);
  return parts;
}

std::vector<int32_t> window_prefix(const Tokenizer& tokenizer) {
  const auto mask = tokenizer.id_of("[gMASK]"), start = tokenizer.id_of("<sop>");
  if (!mask || !start) return {};
  return {*mask, *start};
}

Result<std::vector<std::vector<int32_t>>> cut_windows(const Tokenizer& tokenizer, std::string_view text,
                                                      const WindowOptions& options) {
  const std::vector<int32_t> prefix = options.prefix ? window_prefix(tokenizer) : std::vector<int32_t>();
  const int64_t room = options.context - static_cast<int64_t>(prefix.size());
  if (room < 2)
    return fail(Code::kInvalidArgument, "--context: wanted at least {}, found {}", prefix.size() + 2, options.context);
  std::vector<std::vector<int32_t>> windows;
  int64_t left = options.max_tokens > 0 ? options.max_tokens : INT64_MAX;
  for (const std::string_view document : split_documents(text, options.join)) {
    DB_ASSIGN(std::vector<int32_t> tokens, tokenizer.encode(document));
    if (tokens.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), tokens.begin())) {
      tokens.erase(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(prefix.size()));
    }
    const auto n = static_cast<int64_t>(tokens.size());
    for (int64_t from = 0; from < n && left > 1; from += room) {
      const int64_t count = std::min({room, n - from, left});
      if (count < 2) continue;
      std::vector<int32_t>& window = windows.emplace_back(prefix);
      window.insert(window.end(), tokens.begin() + from, tokens.begin() + from + count);
      left -= count;
    }
  }
  if (!windows.empty()) return windows;
  return fail(Code::kInvalidArgument, "--text: wanted at least one document of two tokens, found none");
}

}  // namespace drawbridge
