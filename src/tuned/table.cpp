#include "tuned/table.h"

#include <algorithm>

#include "base/json_members.h"
#include "base/mapped_file.h"
#include "tuned/plan_text.h"

namespace drawbridge {
namespace {

constexpr const char* kFormat = "drawbridge-tuned-1";
constexpr size_t kMaxBytes = 256u << 20;
constexpr size_t kMaxRows = 1u << 20;
constexpr JsonLimits kLineLimits = {
    .max_bytes = 1u << 20, .max_depth = 4, .max_keys_per_object = 1024, .max_keys = 2048};

Status check_format(const Json& line, const std::string& source) {
  DB_ASSIGN(const std::string format, string_member(line, "format", source));
  if (format == kFormat) return Status();
  return fail(Code::kCorrupt, "{}: member \"format\": wanted \"{}\", found \"{}\"", source, kFormat,
              format.substr(0, 40));
}

}  // namespace

Result<TunedTable> TunedTable::read(const std::string& path) {
  DB_ASSIGN(const std::string text, read_text_file(path, kMaxBytes));
  return parse(text, path);
}

Result<TunedTable> TunedTable::parse(std::string_view text, const std::string& source) {
  TunedTable table;
  int64_t number = 0;
  for (size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    const std::string place = fmt::format("{}:{}", source, ++number);
    DB_ASSIGN(const Json line, parse_json(text.substr(0, end), place, kLineLimits));
    DB_TRY(number == 1 ? check_format(line, place) : table.read_line(line, place));
    text.remove_prefix(end + 1);
  }
  if (number == 0) return fail(Code::kCorrupt, "{}: wanted a line with the format \"{}\", found none", source, kFormat);
  return table;
}

Status TunedTable::read_line(const Json& line, const std::string& source) {
  if (is_foreign_row(line)) return add_foreign_row(line, source, foreign_);
  if (starts_foreign_table(line)) {
    DB_ASSIGN(ForeignTable table, foreign_from_line(line, source));
    if (find_foreign(table.file) != nullptr) {
      return fail(Code::kCorrupt, "{}: member \"file\": \"{}\" was imported before", source, table.file.substr(0, 80));
    }
    add(std::move(table));
    return Status();
  }
  DB_ASSIGN(TunedRow row, tuned_row_from_json(line, source));
  if (takes(row)) add(std::move(row));
  if (rows_.size() > kMaxRows) return fail(Code::kOutOfRange, "{}: wanted at most {} rows", source, kMaxRows);
  return Status();
}

bool TunedTable::takes(const TunedRow& row) const {
  const auto before = rows_.find(row.key);
  return before == rows_.end() || row.origin == PlanOrigin::kMeasured || before->second.origin != PlanOrigin::kMeasured;
}

void TunedTable::add(TunedRow row) {
  DB_CHECK(takes(row));
  TunedKey key = row.key;
  rows_.insert_or_assign(std::move(key), std::move(row));
}

void TunedTable::add(ForeignTable table) {
  DB_CHECK(find_foreign(table.file) == nullptr);
  foreign_.push_back(std::move(table));
}

const ForeignTable* TunedTable::find_foreign(const std::string& file) const {
  const auto found =
      std::find_if(foreign_.begin(), foreign_.end(), [&](const ForeignTable& t) { return t.file == file; });
  return found == foreign_.end() ? nullptr : &*found;
}

Result<TunedTableFile> TunedTableFile::open(const std::string& path) {
  DB_ASSIGN(LineFile file, LineFile::open(path, kMaxBytes));
  const std::string text = file.take_text();
  TunedTableFile opened(std::move(file));
  if (text.empty()) {
    DB_TRY(opened.file_.append(dump_json(Json{{"format", kFormat}})));
  } else {
    DB_ASSIGN(opened.table_, TunedTable::parse(text, path));
  }
  return opened;
}

Status TunedTableFile::add(TunedRow row) {
  if (!table_.takes(row)) {
    return fail(Code::kAlreadyExists, "{} tokens={}: was measured here; an imported row does not take its place",
                key_text(row.key.product), row.key.n_tokens);
  }
  DB_TRY(file_.append(dump_json(tuned_row_to_json(row))));
  table_.add(std::move(row));
  return Status();
}

Status TunedTableFile::add(ForeignTable table) {
  if (const ForeignTable* before = table_.find_foreign(table.file); before != nullptr) {
    if (foreign_file_text(*before) == foreign_file_text(table)) return Status();
    return fail(Code::kAlreadyExists, "{}: was imported before with other rows; import it into another table",
                table.file);
  }
  for (const Json& line : foreign_to_lines(table)) DB_TRY(file_.append(dump_json(line)));
  table_.add(std::move(table));
  return Status();
}

}  // namespace drawbridge
