#include "verdict/published.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/json_members.h"
#include "base/mapped_file.h"
#include "base/printable.h"
#include "base/text_table.h"
#include "stats/normal.h"
#include "stats/quantile.h"

namespace drawbridge {
namespace {

constexpr double kConfidence = 0.95;
constexpr double kExcess = 0.10;  // above requests/s times length; what a few hundred Poisson arrivals do by chance

Result<std::optional<double>> optional_number(const Json& row, const char* key, const std::string& source) {
  if (!row.contains(key)) return std::optional<double>();
  DB_ASSIGN(const double value, number_member(row, key, source));
  return std::optional<double>(value);
}

Result<PublishedRow> read_row(const Json& json, const std::string& source) {
  PublishedRow row;
  DB_TRY(check_object(json, source));
  DB_ASSIGN(row.system, string_member(json, "system", source));
  DB_ASSIGN(row.rps, positive_member(json, "rps", source));
  DB_ASSIGN(row.output_tok_s, positive_member(json, "output_tok_s", source));
  DB_ASSIGN(row.ttft_p50_s, optional_number(json, "ttft_p50_s", source));
  DB_ASSIGN(row.ttft_p95_s, optional_number(json, "ttft_p95_s", source));
  DB_ASSIGN(row.success, optional_number(json, "success", source));
  if (!json.contains("n_requests")) return row;
  DB_ASSIGN(row.n_requests, count_member(json, "n_requests", source));
  return row;
}

Check judge_row(const PublishedRow& row, double length) {
  Check check{"throughput",
              CheckKind::kMeasurement,
              LoadVerdict::kPass,
              fmt::format("at most {:.0f} tokens/s ({:g}/s of {:g} tokens), within {:.0f} %", row.rps * length, row.rps,
                          length, 100 * kExcess),
              fmt::format("{:g} tokens/s: {:.0f} tokens a request", row.output_tok_s, row.output_tok_s / row.rps),
              ""};
  const double excess = row.output_tok_s / (row.rps * length) - 1;
  if (excess <= kExcess) return check;
  // The realized rate of n Poisson arrivals differs by 1 / sqrt(n) of itself.
  const double most = std::pow(normal_quantile(0.5 + 0.5 * kConfidence) / excess, 2);
  return check.with(
      LoadVerdict::kFail,
      fmt::format("More came out than was asked for: answers were longer, the row is of another run, or it "
                  "is chance in a run of fewer than {:.0f} requests.",
                  std::ceil(most)));
}

Check judge_order(const PublishedTable& table) {
  Check check{
      "order", CheckKind::kMeasurement, LoadVerdict::kPass, "p50 at most p95, success at most 100 %", "they are", ""};
  for (const PublishedRow& row : table.rows) {
    const bool is_crossed = row.ttft_p50_s && row.ttft_p95_s && *row.ttft_p50_s > *row.ttft_p95_s;
    const bool is_no_share = row.success && (*row.success < 0 || *row.success > 1);
    if (!is_crossed && !is_no_share) continue;
    check.found = fmt::format("not at {} {:g}/s", row.system, row.rps);
    return check.with(LoadVerdict::kFail, "No measurement gives these numbers: ask for the right ones.");
  }
  return check;
}

/// Each system's highest rate must have missed the limit, else nothing was found that could not be sustained.
Check judge_knee(const PublishedTable& table, const std::string& system) {
  Check check{"knee",
              CheckKind::kService,
              LoadVerdict::kPass,
              fmt::format("{}: a rate beyond the limit of TTFT {:g} s", system, table.ttft_limit_s),
              "",
              ""};
  const PublishedRow* highest = nullptr;
  for (const PublishedRow& row : table.rows) {
    if (row.system == system && (highest == nullptr || row.rps > highest->rps)) highest = &row;
  }
  if (!highest->ttft_p95_s) {
    check.found = fmt::format("no TTFT at {:g}/s", highest->rps);
    return check.with(LoadVerdict::kInsufficient, "Nothing shows where this system's knee is.");
  }
  check.found = fmt::format("p95 TTFT {:g} s at {:g}/s, the highest rate", *highest->ttft_p95_s, highest->rps);
  if (*highest->ttft_p95_s > table.ttft_limit_s) return check;
  return check.with(LoadVerdict::kInsufficient,
                    "The knee was never reached: the rate shown is a load that was met, no capacity.");
}

Check judge_samples(const PublishedTable& table) {
  const int64_t needed = smallest_sample(0.95, kConfidence);
  Check check{"samples",
              CheckKind::kMeasurement,
              LoadVerdict::kPass,
              fmt::format("at least {} requests behind each p95", needed),
              "",
              ""};
  int64_t fewest = -1;
  for (const PublishedRow& row : table.rows) {
    if (!row.ttft_p95_s) continue;
    if (!row.n_requests) {
      check.found = "the number of requests is not stated";
      return check.with(LoadVerdict::kInsufficient, "Without it no interval can be given for any row.");
    }
    fewest = fewest < 0 ? *row.n_requests : std::min(fewest, *row.n_requests);
  }
  check.found = fewest < 0 ? "no p95 is claimed" : fmt::format("{} in the smallest row", fewest);
  if (fewest < 0 || fewest >= needed) return check;
  return check.with(LoadVerdict::kInsufficient, "Not enough samples for p95.");
}

std::vector<std::string> systems_of(const PublishedTable& table) {
  std::vector<std::string> systems;
  for (const PublishedRow& row : table.rows) {
    if (std::find(systems.begin(), systems.end(), row.system) == systems.end()) systems.push_back(row.system);
  }
  return systems;
}

std::string seconds(const std::optional<double>& value) {
  return value ? fmt::format("{:.2f}", *value) : "-";
}

std::string check_line(const std::string& where, const Check& check) {
  return fmt::format("{:<12} {}{}: wanted {}; found {}\n{:13}{}\n", load_verdict_name(check.verdict), where, check.name,
                     check.wanted, check.found, "", check.advice);
}

Json check_json(const Check& check) {
  return {{"name", check.name},
          {"verdict", load_verdict_name(check.verdict)},
          {"wanted", check.wanted},
          {"found", check.found},
          {"advice", check.advice}};
}

}  // namespace

Result<PublishedTable> read_published(const std::string& path) {
  constexpr size_t kMostBytes = 1 << 20;
  DB_ASSIGN(const std::string text, read_text_file(path, kMostBytes));
  DB_ASSIGN(const Json json, parse_json(text, path));
  DB_TRY(check_object(json, path));
  PublishedTable table;
  DB_ASSIGN(table.source, string_member(json, "source", path));
  DB_ASSIGN(table.workload, string_member(json, "workload", path));
  DB_ASSIGN(table.output_tokens, positive_member(json, "output_tokens", path));
  DB_ASSIGN(const std::optional<double> limit, optional_number(json, "ttft_limit_s", path));
  table.ttft_limit_s = limit.value_or(0);
  DB_ASSIGN(const Json* rows, array_member(json, "rows", path));
  for (size_t i = 0; i < rows->size(); ++i) {
    DB_ASSIGN(PublishedRow row, read_row((*rows)[i], fmt::format("{}: rows[{}]", path, i)));
    table.rows.push_back(std::move(row));
  }
  if (table.rows.empty()) return fail(Code::kInvalidArgument, "{}: rows: wanted at least one row", path);
  return table;
}

PublishedReport judge_published(PublishedTable table) {
  PublishedReport report;
  for (const PublishedRow& row : table.rows) report.rows.push_back(judge_row(row, table.output_tokens));
  report.checks = {judge_order(table), judge_samples(table)};
  if (table.ttft_limit_s > 0) {
    for (const std::string& system : systems_of(table)) report.checks.push_back(judge_knee(table, system));
  }
  report.verdict = std::max(gravest(report.rows), gravest(report.checks));
  report.table = std::move(table);
  return report;
}

std::string published_text(const PublishedReport& report) {
  const PublishedTable& t = report.table;
  TextTable table({"<system", "requests/s", "tok/s", "tokens a request", "TTFT p50, s", "p95, s", "<verdict"});
  std::string lines;
  for (size_t i = 0; i < t.rows.size(); ++i) {
    const PublishedRow& row = t.rows[i];
    table.add({printable(row.system), fmt::format("{:g}", row.rps), fmt::format("{:g}", row.output_tok_s),
               fmt::format("{:.0f}", row.output_tok_s / row.rps), seconds(row.ttft_p50_s), seconds(row.ttft_p95_s),
               load_verdict_name(report.rows[i].verdict)});
    if (report.rows[i].verdict == LoadVerdict::kPass) continue;
    lines += check_line(fmt::format("{} {:g}/s, ", printable(row.system), row.rps), report.rows[i]);
  }
  for (const Check& check : report.checks) {
    if (check.verdict != LoadVerdict::kPass) lines += check_line("", check);
  }
  return fmt::format("{}\n{}\n\n{}\n{}\nverdict: {}\n", printable(t.source), printable(t.workload), table.text(), lines,
                     load_verdict_name(report.verdict));
}

Json published_json(const PublishedReport& report) {
  Json rows = Json::array(), checks = Json::array();
  for (size_t i = 0; i < report.rows.size(); ++i) {
    const PublishedRow& row = report.table.rows[i];
    rows.push_back({{"system", row.system},
                    {"rps", row.rps},
                    {"output_tok_s", row.output_tok_s},
                    {"tokens_a_request", row.output_tok_s / row.rps},
                    {"check", check_json(report.rows[i])}});
  }
  for (const Check& check : report.checks) checks.push_back(check_json(check));
  return {{"source", report.table.source},
          {"workload", report.table.workload},
          {"verdict", load_verdict_name(report.verdict)},
          {"rows", std::move(rows)},
          {"checks", std::move(checks)}};
}

}  // namespace drawbridge
