#include "tune/exchange.h"

#include <fmt/ranges.h>

#include <map>
#include <tuple>

#include "base/mapped_file.h"

namespace drawbridge {
namespace {

constexpr size_t kMaxBytes = 16u << 20;

/// Parts of a key that a table may lack (0) match anything.
bool matches(int64_t found, int64_t wanted) {
  return found == 0 || found == wanted;
}

std::string shape_text(const ForeignKey& key) {
  std::string text = fmt::format("E={}", key.experts);
  if (key.experts_per_token > 0) text += fmt::format(" topk={}", key.experts_per_token);
  if (key.hidden > 0) text += fmt::format(" model_dim={}", key.hidden);
  return text + fmt::format(" inter_dim={}", key.width);
}

/// The shapes that the table has, with the numbers of tokens of each.
std::string shape_lines(const ForeignTable& table) {
  std::map<std::string, std::vector<int64_t>> shapes;
  for (const ForeignRow& row : table.rows) shapes[shape_text(row.key)].push_back(row.key.n_tokens);
  std::string text;
  for (const auto& [shape, tokens] : shapes) {
    text += fmt::format("  {}: {} rows, tokens {}\n", shape, tokens.size(), fmt::join(tokens, ","));
  }
  return text;
}

std::string lookup_line(const ForeignTable& table, const Glm52Config& config, int64_t n_fused) {
  const int64_t experts = config.n_experts + n_fused, chosen = config.experts_per_token + n_fused;
  std::map<int64_t, int64_t> rows_by_width;
  for (const ForeignRow& row : table.rows) {
    const ForeignKey& key = row.key;
    if (key.experts != experts || !matches(key.experts_per_token, chosen) || !matches(key.hidden, config.hidden)) {
      continue;
    }
    ++rows_by_width[key.width];
  }
  const std::string fusion = n_fused > 0 ? fmt::format("{} routed + {} fused shared", config.n_experts, n_fused)
                                         : fmt::format("{} routed, the shared one apart", config.n_experts);
  std::string found;
  for (int64_t ranks = 1; ranks <= 8; ranks *= 2) {
    const auto rows = rows_by_width.find(config.moe_intermediate / ranks);
    if (rows == rows_by_width.end()) continue;
    found +=
        fmt::format("{}{} rows at inter_dim={} (TP{})", found.empty() ? "" : ", ", rows->second, rows->first, ranks);
  }
  return fmt::format("  lookup E={} topk={} ({}): {}\n", experts, chosen, fusion,
                     found.empty() ? "NO ROW: every such lookup falls back" : found);
}

Result<std::string> import_own(const std::string& path, TunedTableFile& file) {
  DB_ASSIGN(const TunedTable table, TunedTable::read(path));
  int64_t n_added = 0;
  for (const auto& [key, row] : table.rows()) {
    TunedRow imported = row;
    imported.origin = PlanOrigin::kImported;
    if (!file.table().takes(imported)) continue;
    DB_TRY(file.add(std::move(imported)));
    ++n_added;
  }
  return fmt::format("{}: {} rows imported, {} left out because they were measured here\n", path, n_added,
                     static_cast<int64_t>(table.rows().size()) - n_added);
}

}  // namespace

std::string lookup_lines(const ForeignTable& table, const Glm52Config& config) {
  std::string text;
  if (config.n_shared_experts > 0) text += lookup_line(table, config, config.n_shared_experts);
  return text + lookup_line(table, config, 0);
}

Result<std::string> import_tuning_file(const std::string& file, const std::string& table, const std::string& model) {
  std::optional<Glm52Config> config;
  if (!model.empty()) {
    DB_ASSIGN(config, load_glm52_config(model));
  }
  if (file.ends_with(".jsonl")) {
    DB_ASSIGN(TunedTableFile out, TunedTableFile::open(table));
    return import_own(file, out);
  }
  DB_ASSIGN(const std::string text, read_text_file(file, kMaxBytes));
  DB_ASSIGN(ForeignTable foreign, parse_foreign_table(text, file));
  std::string said = fmt::format("{}: {} rows of {}, kept for export; the CPU uses none of them\n", file,
                                 foreign.rows.size(), foreign_format_name(foreign.format));
  if (foreign_file_text(foreign) != text) {
    said += "  is indented in another way than Python's json.dump: an export has the same fields, not the same bytes\n";
  }
  said += shape_lines(foreign);
  if (config) said += lookup_lines(foreign, *config);
  DB_ASSIGN(TunedTableFile out, TunedTableFile::open(table));
  DB_TRY(out.add(std::move(foreign)));
  return said;
}

Result<std::string> export_tuning_file(const std::string& table, ForeignFormat format, const std::string& name) {
  DB_ASSIGN(const TunedTable read, TunedTable::read(table));
  std::vector<std::string> names;
  const ForeignTable* found = nullptr;
  for (const ForeignTable& foreign : read.foreign()) {
    if (foreign.format != format) continue;
    names.push_back(foreign.file);
    if (name.empty() || name == foreign.file) found = &foreign;
  }
  if (found != nullptr && (!name.empty() || names.size() == 1)) return foreign_file_text(*found);
  const std::string known = names.empty() ? std::string("none") : fmt::format("{}", fmt::join(names, ", "));
  return fail(Code::kNotFound, "{}: wanted one file imported from {}{}, found {}", table, foreign_format_name(format),
              name.empty() ? "" : " named " + name, known);
}

}  // namespace drawbridge
