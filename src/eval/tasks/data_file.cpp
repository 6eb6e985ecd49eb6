#include "eval/tasks/data_file.h"

#include <filesystem>

#include "base/json_members.h"
#include "base/mapped_file.h"
#include "base/sha256.h"

namespace drawbridge {
namespace {

constexpr size_t kMaxFileBytes = 256u << 20;
constexpr JsonLimits kLineLimits = {
    .max_bytes = 1u << 20, .max_depth = 32, .max_keys_per_object = 256, .max_keys = 4096};
constexpr std::string_view kGzipMagic = "\x1f\x8b";

}  // namespace

Json DataFile::describe() const {
  return {{"file", std::filesystem::path(path).filename().string()}, {"sha256", sha256}};
}

Result<DataFile> read_data_file(const std::string& path) {
  DataFile file;
  file.path = path;
  DB_ASSIGN(file.text, read_text_file(path, kMaxFileBytes));
  if (file.text.starts_with(kGzipMagic)) {
    return fail(Code::kUnsupported, "{}: wanted plain text, found gzip; unpack it with gunzip and name the result",
                path);
  }
  file.sha256 = sha256_of(file.text);
  return file;
}

Result<std::vector<DataLine>> parse_json_lines(const DataFile& file) {
  std::vector<DataLine> lines;
  const std::string_view text = file.text;
  int64_t number = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    at = end + 1;
    ++number;
    if (line.empty()) continue;
    DataLine parsed;
    parsed.source = fmt::format("{}:{}", file.path, number);
    DB_ASSIGN(parsed.object, parse_json(line, parsed.source, kLineLimits));
    DB_TRY(check_object(parsed.object, parsed.source));
    lines.push_back(std::move(parsed));
  }
  if (lines.empty()) return fail(Code::kCorrupt, "{}: wanted a JSON object on each line, found none", file.path);
  return lines;
}

}  // namespace drawbridge
