#include "bench/engine_report.h"

#include <fmt/ostream.h>

#include "base/units.h"

namespace drawbridge {
namespace {

std::string share_text(const SpeedRow& row, const ReadFloor& floor) {
  const auto rate = row.weight_gb_per_s(floor.bytes_per_token);
  if (!rate) return "";
  if (!floor.from_memory) return "in cache";
  return fmt::format("{:.0f} %", 100 * *rate / floor.limits.read_gb_per_s.median);
}

void print_table(const EngineSpeedReport& report, std::ostream& out) {
  const ModelCard& card = report.card;
  fmt::print(
      out,
      "| model | size | params | backend | threads | streams | test | t/s | median (min .. max) | of read speed |\n");
  fmt::print(out, "|---|---:|---:|---|---:|---:|---|---:|---:|---:|\n");
  for (const SpeedRow& row : report.rows) {
    const Moments moments = moments_of(row.rates());
    const Spread spread = spread_of(row.rates());
    fmt::print(out,
               "| {} | {:.2f} GB | {:.1f} M | {} | {} | {} | {} | {:.2f} ± {:.2f} | {:.2f} ({:.2f} .. {:.2f}) | {} |\n",
               card.name, static_cast<double>(card.weight_bytes) / 1e9, static_cast<double>(card.n_parameters) / 1e6,
               card.backend, report.n_threads, row.test.n_streams, row.test.name(), moments.mean, moments.deviation,
               spread.median, spread.min, spread.max, share_text(row, report.floor));
  }
  const ReadFloor& floor = report.floor;
  fmt::print(out, "\n{}\n", manifest_line(report.manifest));
  fmt::print(out, "One decoded token reads {} of weights; {} (reading {:.1f} .. {:.1f}).\n",
             format_bytes(floor.bytes_per_token), limits_text(floor.limits), floor.limits.read_gb_per_s.min,
             floor.limits.read_gb_per_s.max);
  for (const std::string& line : card.plans) fmt::print(out, "{}\n", line);
  for (const SpeedRow& row : report.rows) {
    if (row.profile) print_profile(*row.profile, floor.limits, out);
  }
}

/// The tests as they are, and what holds for all of them.
Json report_json(const EngineSpeedReport& report, const BenchEngineOptions& options) {
  const ModelCard& card = report.card;
  const ReadFloor& floor = report.floor;
  Json root = {{"model", card.name},
               {"weight_bytes", card.weight_bytes},
               {"weight_bytes_per_token", floor.bytes_per_token},
               {"weights_from_memory", floor.from_memory},
               {"read_gb_per_s", floor.limits.read_gb_per_s.median},
               {"limits", limits_json(floor.limits)},
               {"n_parameters", card.n_parameters},
               {"backend", card.backend},
               {"kv_cache_dtype", card.kv_cache_dtype},
               {"activation", card.activation},
               {"plans", card.plans},
               {"n_rounds", options.n_rounds},
               {"source", "measured"},
               {"manifest", report.manifest},
               {"tests", Json::array()}};
  for (const SpeedRow& row : report.rows) {
    Json test = speed_row_json(report, row, options);
    if (row.profile) test["profile"] = profile_json(*row.profile, floor.limits);
    root["tests"].push_back(std::move(test));
  }
  return root;
}

/// A text in quotes, theirs doubled (RFC 4180).
std::string csv_field(const Json& value) {
  if (value.is_null()) return "";
  if (!value.is_string()) return dump_json(value);
  std::string quoted = "\"";
  for (const char c : value.get<std::string>()) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

/// As llama-bench: all but the samples.
void print_csv(const EngineSpeedReport& report, const BenchEngineOptions& options, std::ostream& out) {
  bool has_header = false;
  for (const SpeedRow& row : report.rows) {
    std::string names, fields;
    const Json test = speed_row_json(report, row, options);
    for (const auto& [name, value] : test.items()) {
      if (value.is_array()) continue;
      const char* const comma = names.empty() ? "" : ",";
      names += comma + name;
      fields += comma + csv_field(value);
    }
    if (!has_header) fmt::print(out, "{}\n", names);
    has_header = true;
    fmt::print(out, "{}\n", fields);
  }
}

std::vector<int64_t> nanoseconds(const std::vector<double>& seconds) {
  std::vector<int64_t> ns;
  for (const double s : seconds) ns.push_back(static_cast<int64_t>(1e9 * s));
  return ns;
}

}  // namespace

Status check_engine_output(const std::string& output) {
  for (const char* known : {"md", "csv", "json", "jsonl"}) {
    if (output == known) return Status();
  }
  return fail(Code::kInvalidArgument, "--output: wanted md, csv, json or jsonl, found '{}'", output);
}

Json engine_options_json(const BenchEngineOptions& options) {
  const EngineOptions& engine = options.engine;
  return {{"model", engine.model},
          {"isa", engine.isa},
          {"threads", engine.n_threads},
          {"pin_threads", engine.pin_threads},
          {"numerics", engine.numerics},
          {"activation", engine.activation},
          {"kv_cache_dtype", engine.kv_cache_dtype},
          {"kv_scale", engine.kv_scale ? Json(*engine.kv_scale) : Json()},
          {"tuned_table", engine.tuned_table},
          {"max_context", engine.max_context},
          {"kv_tokens", engine.kv_tokens},
          {"page_size", engine.page_size},
          {"max_running", engine.max_running},
          {"max_step_tokens", engine.max_step_tokens},
          {"weights_cache", engine.weights_cache},
          {"prompt_tokens", options.prompt_tokens},
          {"generate_tokens", options.generate_tokens},
          {"depths", options.depths},
          {"streams", options.streams},
          {"rounds", options.n_rounds}};
}

Json speed_row_json(const EngineSpeedReport& report, const SpeedRow& row, const BenchEngineOptions& options) {
  const Moments seconds = moments_of(row.seconds), rate = moments_of(row.rates());
  const Spread spread = spread_of(row.rates());
  const Json& manifest = report.manifest;
  const auto read = row.weight_gb_per_s(report.floor.bytes_per_token);
  return {{"test", row.test.name()},
          {"build_commit", manifest["build"]["commit"]},
          {"build_version", manifest["build"]["version"]},
          {"cpu_info", manifest["machine"]["cpu"]},
          {"backends", report.card.backend},
          {"model_filename", options.engine.model},
          {"model_type", report.card.architecture},
          {"model_size", report.card.weight_bytes},
          {"model_n_params", report.card.n_parameters},
          {"n_batch", options.engine.max_step_tokens},
          {"n_threads", report.n_threads},
          {"type_k", report.card.kv_cache_dtype},
          {"type_v", report.card.kv_cache_dtype},
          {"n_prompt", row.test.n_prompt},
          {"n_gen", row.test.n_generate},
          {"n_depth", row.test.depth},
          {"n_streams", row.test.n_streams},
          {"test_time", row.started},
          {"avg_ns", static_cast<int64_t>(1e9 * seconds.mean)},
          {"stddev_ns", static_cast<int64_t>(1e9 * seconds.deviation)},
          {"avg_ts", rate.mean},
          {"stddev_ts", rate.deviation},
          {"median_ts", spread.median},
          {"min_ts", spread.min},
          {"max_ts", spread.max},
          {"weight_gb_per_s", read ? Json(*read) : Json()},
          {"manifest_sha256", manifest["sha256"]},
          {"samples_ns", nanoseconds(row.seconds)},
          {"samples_ts", row.rates()}};
}

void print_engine_report(const EngineSpeedReport& report, const BenchEngineOptions& options, std::ostream& out) {
  if (options.output == "md") return print_table(report, out);
  if (options.output == "csv") return print_csv(report, options, out);
  if (options.output == "json") {
    fmt::print(out, "{}\n", dump_json(report_json(report, options)));
    return;
  }
  for (const SpeedRow& row : report.rows) fmt::print(out, "{}\n", dump_json(speed_row_json(report, row, options)));
}

}  // namespace drawbridge
