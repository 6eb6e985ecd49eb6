#include "eval/tasks/csv.h"

#include <algorithm>
#include <set>

#include "text/utf8.h"

namespace drawbridge {
namespace {

constexpr size_t kMaxColumns = 1024;
constexpr size_t kMaxRows = 1u << 20;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

class CsvReader {
 public:
  CsvReader(std::string_view text, const std::string& source) : text_(text), source_(source) {}

  bool at_end() const { return at_ == text_.size(); }

  Result<CsvRow> row() {
    CsvRow row;
    row.line = line_;
    while (true) {
      std::string field;
      DB_TRY(starts_with('"') ? quoted(field) : plain(field));
      row.fields.push_back(std::move(field));
      if (row.fields.size() > kMaxColumns) return wrong("more than {} columns", kMaxColumns);
      if (!take(',')) break;
    }
    if (!at_end() && !take_line_break()) return wrong("{} behind a closing quote", "text");
    return row;
  }

 private:
  bool starts_with(char c) const { return !at_end() && text_[at_] == c; }

  bool take(char c) {
    if (!starts_with(c)) return false;
    ++at_;
    return true;
  }

  bool take_line_break() {
    const bool carriage = take('\r');
    if (take('\n')) {
      ++line_;
      return true;
    }
    if (carriage) --at_;
    return false;
  }

  Status plain(std::string& field) {
    const size_t end = std::min(text_.find_first_of(",\"\n", at_), text_.size());
    field = text_.substr(at_, end - at_);
    at_ = end;
    if (starts_with('"')) return wrong("a quote inside a field that is not {}", "quoted");
    if (starts_with('\n') && field.ends_with('\r')) field.pop_back();
    return Status();
  }

  Status quoted(std::string& field) {
    const int64_t opened = line_;
    ++at_;
    while (true) {
      const size_t quote = text_.find('"', at_);
      if (quote == std::string_view::npos) {
        line_ = opened;
        return wrong("a quote that is never {}", "closed");
      }
      const std::string_view piece = text_.substr(at_, quote - at_);
      line_ += std::count(piece.begin(), piece.end(), '\n');
      field += piece;
      at_ = quote + 1;
      if (!take('"')) return Status();
      field += '"';
    }
  }

  template <typename Arg>
  Status wrong(fmt::format_string<const Arg&> found, const Arg& arg) const {
    return fail(Code::kCorrupt, "{}:{}: not valid CSV: found {}", source_, line_, fmt::format(found, arg));
  }

  std::string_view text_;
  const std::string& source_;
  size_t at_ = 0;
  int64_t line_ = 1;
};

Status check_utf8(std::string_view text, const std::string& source) {
  int64_t line = 1;
  for (size_t at = 0; at < text.size();) {
    const Utf8Step step = next_utf8(text, at);
    if (!step.valid) return fail(Code::kCorrupt, "{}:{}: wanted UTF-8, found other bytes", source, line);
    if (text[at] == '\n') ++line;
    at += step.bytes;
  }
  return Status();
}

}  // namespace

Result<size_t> CsvTable::column(std::string_view name, const std::string& source) const {
  const auto found = std::find(columns.begin(), columns.end(), name);
  if (found != columns.end()) return static_cast<size_t>(found - columns.begin());
  return fail(Code::kCorrupt, "{}: wanted a column \"{}\", found {}", source, name,
              fmt::format("{}", fmt::join(columns, ", ")).substr(0, 300));
}

Result<CsvTable> parse_csv(std::string_view text, const std::string& source) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  DB_TRY(check_utf8(text, source));
  if (text.empty()) return fail(Code::kCorrupt, "{}: wanted CSV with a heading, found nothing", source);
  CsvReader reader(text, source);
  CsvTable table;
  DB_ASSIGN(CsvRow heading, reader.row());
  table.columns = std::move(heading.fields);
  std::set<std::string> names;
  for (const std::string& name : table.columns) {
    if (!names.insert(name).second) return fail(Code::kCorrupt, "{}:1: column \"{}\" stands twice", source, name);
  }
  while (!reader.at_end()) {
    DB_ASSIGN(CsvRow row, reader.row());
    if (row.fields.size() != table.columns.size()) {
      return fail(Code::kCorrupt, "{}:{}: wanted {} fields as in the heading, found {}", source, row.line,
                  table.columns.size(), row.fields.size());
    }
    table.rows.push_back(std::move(row));
    if (table.rows.size() > kMaxRows) return fail(Code::kOutOfRange, "{}: more than {} rows", source, kMaxRows);
  }
  return table;
}

}  // namespace drawbridge
