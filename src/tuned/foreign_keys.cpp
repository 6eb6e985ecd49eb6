#include "tuned/foreign_keys.h"

#include <algorithm>
#include <charconv>

namespace drawbridge {
namespace {

constexpr size_t kMaxColumns = 256;
constexpr std::array<std::string_view, 7> kTypeColumns = {"act_type", "dtype",    "q_dtype_a",      "q_dtype_w",
                                                          "q_type",   "use_g1u1", "doweight_stage1"};

std::vector<std::string_view> split(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  std::vector<std::string_view> fields;
  while (fields.size() <= kMaxColumns) {
    const size_t comma = line.find(',');
    fields.push_back(line.substr(0, comma));
    if (comma == std::string_view::npos) break;
    line.remove_prefix(comma + 1);
  }
  return fields;
}

Result<int64_t> whole_number(std::string_view text, std::string_view name, const std::string& source) {
  int64_t value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && rest == text.data() + text.size() && value >= 0) return value;
  return fail(Code::kCorrupt, "{}: {}: wanted a whole number, found \"{}\"", source, name, text.substr(0, 40));
}

/// What follows `name` in `text` up to `end`, another name or the end.
std::string_view between(std::string_view text, std::string_view name, std::string_view end) {
  const size_t from = text.find(name);
  if (from == std::string_view::npos) return {};
  text.remove_prefix(from + name.size());
  return text.substr(0, text.find(end));
}

}  // namespace

Result<AiterColumns> aiter_columns(std::string_view heading, const std::string& source) {
  const std::vector<std::string_view> names = split(heading);
  if (names.size() > kMaxColumns) return fail(Code::kOutOfRange, "{}: wanted at most {} columns", source, kMaxColumns);
  AiterColumns columns;
  columns.n_columns = names.size();
  const auto find = [&](std::string_view name, size_t& column) {
    const auto place = std::find(names.begin(), names.end(), name);
    column = static_cast<size_t>(place - names.begin());
    if (place != names.end()) {
      columns.n_key_columns = std::max(columns.n_key_columns, column + 1);
      return Status();
    }
    return fail(Code::kCorrupt, "{}: wanted aiter's fused MoE columns, found no column {}", source, name);
  };
  DB_TRY(find("cu_num", columns.cu_num));
  DB_TRY(find("token", columns.token));
  DB_TRY(find("model_dim", columns.model_dim));
  DB_TRY(find("inter_dim", columns.inter_dim));
  DB_TRY(find("expert", columns.expert));
  DB_TRY(find("topk", columns.topk));
  for (size_t i = 0; i < kTypeColumns.size(); ++i) DB_TRY(find(kTypeColumns[i], columns.types[i]));
  if (size_t gfx = 0; find("gfx", gfx).ok()) columns.gfx = gfx;
  return columns;
}

Result<ForeignKey> aiter_key(std::string_view line, const AiterColumns& columns, const std::string& source) {
  const std::vector<std::string_view> fields = split(line);
  if (fields.size() < columns.n_key_columns || fields.size() > columns.n_columns ||
      line.find('"') != std::string_view::npos) {
    return fail(Code::kCorrupt, "{}: wanted {} to {} plain fields, found {}", source, columns.n_key_columns,
                columns.n_columns, fields.size());
  }
  ForeignKey key;
  key.device = columns.gfx ? fmt::format("{} {}", fields[*columns.gfx], fields[columns.cu_num])
                           : std::string(fields[columns.cu_num]);
  DB_ASSIGN(key.n_tokens, whole_number(fields[columns.token], "token", source));
  DB_ASSIGN(key.hidden, whole_number(fields[columns.model_dim], "model_dim", source));
  DB_ASSIGN(key.width, whole_number(fields[columns.inter_dim], "inter_dim", source));
  DB_ASSIGN(key.experts, whole_number(fields[columns.expert], "expert", source));
  DB_ASSIGN(key.experts_per_token, whole_number(fields[columns.topk], "topk", source));
  for (const size_t column : columns.types) key.types += (key.types.empty() ? "" : " ") + std::string(fields[column]);
  return key;
}

Result<ForeignKey> sglang_key(std::string_view file, std::string_view tokens, const std::string& source) {
  ForeignKey key;
  const std::string_view device = between(file, ",device_name=", ",");
  if (!file.starts_with("E=") || !file.ends_with(".json") || device.empty()) {
    return fail(Code::kInvalidArgument, "{}: wanted a name such as E=257,N=256,device_name=NVIDIA_H200.json, found {}",
                source, file.substr(0, 120));
  }
  const std::string_view stem = file.substr(0, file.size() - std::string_view(".json").size());
  DB_ASSIGN(key.experts, whole_number(between(stem, "E=", ","), "E", source));
  DB_ASSIGN(key.width, whole_number(between(stem, ",N=", ","), "N", source));
  DB_ASSIGN(key.n_tokens, whole_number(tokens, "number of tokens", source));
  if (fmt::format("{}", key.n_tokens) != tokens) {
    return fail(Code::kCorrupt, "{}: number of tokens: wanted {}, found {}", source, key.n_tokens,
                tokens.substr(0, 40));
  }
  key.device = between(stem, ",device_name=", ",");
  const size_t types = stem.find(',', stem.find(",device_name=") + 1);
  if (types != std::string_view::npos) key.types = stem.substr(types + 1);
  return key;
}

}  // namespace drawbridge
