#include "tuned/foreign.h"

#include <algorithm>

#include "base/json_members.h"
#include "tuned/foreign_keys.h"

namespace drawbridge {
namespace {

constexpr size_t kMaxBytes = 16u << 20;
constexpr size_t kMaxRows = 65536;
constexpr JsonLimits kSglangLimits = {
    .max_bytes = kMaxBytes, .max_depth = 8, .max_keys_per_object = 4096, .max_keys = 131072};

/// `text` without its first line, which is returned without its line feed.
std::string_view take_line(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

Status check_rows(size_t n_rows, const std::string& path) {
  if (n_rows <= kMaxRows) return Status();
  return fail(Code::kOutOfRange, "{}: wanted at most {} rows", path, kMaxRows);
}

Status read_aiter(std::string_view text, const std::string& path, ForeignTable& table) {
  table.heading = take_line(text);
  DB_ASSIGN(const AiterColumns columns, aiter_columns(table.heading, path + ":1"));
  for (int64_t line = 2; !text.empty(); ++line) {
    ForeignRow row;
    row.text = take_line(text);
    DB_ASSIGN(row.key, aiter_key(row.text, columns, fmt::format("{}:{}", path, line)));
    table.rows.push_back(std::move(row));
    DB_TRY(check_rows(table.rows.size(), path));
  }
  return Status();
}

Status read_sglang(std::string_view text, const std::string& path, ForeignTable& table) {
  DB_ASSIGN(const Json json, parse_json(text, path, kSglangLimits));
  DB_TRY(check_object(json, path));
  DB_TRY(check_rows(json.size(), path));
  for (const auto& [tokens, value] : json.items()) {
    ForeignRow row;
    row.text = dump_json(value);
    DB_ASSIGN(row.key, sglang_key(table.file, tokens, path));
    table.rows.push_back(std::move(row));
  }
  return Status();
}

Result<ForeignFormat> format_from_name(std::string_view name, const std::string& source) {
  for (const ForeignFormat format : {ForeignFormat::kAiter, ForeignFormat::kSglang}) {
    if (name == foreign_format_name(format)) return format;
  }
  return fail(Code::kCorrupt, "{}: member \"import\": wanted aiter or sglang, found \"{}\"", source,
              name.substr(0, 40));
}

}  // namespace

const char* foreign_format_name(ForeignFormat format) {
  return format == ForeignFormat::kAiter ? "aiter" : "sglang";
}

Result<ForeignTable> parse_foreign_table(std::string_view text, const std::string& path) {
  ForeignTable table;
  table.file = path.substr(path.rfind('/') + 1);
  table.ends_with_newline = text.ends_with('\n');
  if (text.size() > kMaxBytes) return fail(Code::kOutOfRange, "{}: wanted at most {} bytes", path, kMaxBytes);
  if (path.ends_with(".csv")) {
    DB_TRY(read_aiter(text, path, table));
  } else if (path.ends_with(".json")) {
    table.format = ForeignFormat::kSglang;
    DB_TRY(read_sglang(text, path, table));
  } else {
    return fail(Code::kInvalidArgument, "{}: wanted a .csv file of aiter or a .json file of vLLM or SGLang", path);
  }
  return table;
}

std::string foreign_file_text(const ForeignTable& table) {
  std::string text = table.heading;
  if (table.format == ForeignFormat::kAiter) {
    for (const ForeignRow& row : table.rows) text += "\n" + row.text;
  } else {
    Json json = Json::object();
    for (const ForeignRow& row : table.rows) {
      const auto value = parse_json(row.text, table.file, kSglangLimits);
      DB_CHECK(value.ok());  // checked when the row was read
      json[fmt::format("{}", row.key.n_tokens)] = *value;
    }
    text = json.dump(4, ' ', false, Json::error_handler_t::replace);
  }
  return table.ends_with_newline ? text + "\n" : text;
}

std::vector<Json> foreign_to_lines(const ForeignTable& table) {
  std::vector<Json> lines = {{{"import", foreign_format_name(table.format)},
                              {"file", table.file},
                              {"heading", table.heading},
                              {"ends_with_newline", table.ends_with_newline}}};
  for (const ForeignRow& row : table.rows) {
    Json line = {{"of", table.file}};
    if (table.format == ForeignFormat::kSglang) line["tokens"] = row.key.n_tokens;
    line["row"] = row.text;
    lines.push_back(std::move(line));
  }
  return lines;
}

bool starts_foreign_table(const Json& line) {
  return line.is_object() && line.contains("import");
}

bool is_foreign_row(const Json& line) {
  return line.is_object() && line.contains("of");
}

Result<ForeignTable> foreign_from_line(const Json& line, const std::string& source) {
  ForeignTable table;
  DB_ASSIGN(const std::string format, string_member(line, "import", source));
  DB_ASSIGN(table.format, format_from_name(format, source));
  DB_ASSIGN(table.file, string_member(line, "file", source));
  DB_ASSIGN(table.heading, string_member(line, "heading", source));
  DB_ASSIGN(const Json* ends, member(line, "ends_with_newline", source));
  table.ends_with_newline = ends->is_boolean() && ends->get<bool>();
  if (table.format == ForeignFormat::kAiter) DB_TRY(aiter_columns(table.heading, source).status());
  return table;
}

Status add_foreign_row(const Json& line, const std::string& source, std::vector<ForeignTable>& tables) {
  DB_ASSIGN(const std::string file, string_member(line, "of", source));
  const auto table = std::find_if(tables.begin(), tables.end(), [&](const ForeignTable& t) { return t.file == file; });
  if (table == tables.end()) {
    return fail(Code::kCorrupt, "{}: member \"of\": no line before it imports \"{}\"", source, file.substr(0, 80));
  }
  ForeignRow row;
  DB_ASSIGN(row.text, string_member(line, "row", source));
  if (table->format == ForeignFormat::kAiter) {
    DB_ASSIGN(const AiterColumns columns, aiter_columns(table->heading, source));
    DB_ASSIGN(row.key, aiter_key(row.text, columns, source));
  } else {
    DB_ASSIGN(const int64_t n_tokens, count_member(line, "tokens", source));
    DB_TRY(parse_json(row.text, source, kSglangLimits).status());
    DB_ASSIGN(row.key, sglang_key(file, fmt::format("{}", n_tokens), source));
  }
  table->rows.push_back(std::move(row));
  return check_rows(table->rows.size(), source);
}

}  // namespace drawbridge
