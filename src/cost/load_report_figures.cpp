#include "cost/load_report_figures.h"

#include "base/json_members.h"

namespace drawbridge {
namespace {

constexpr const char* kKind = "drawbridge load report";

/// A figure with an interval: {"value": 2.4, "interval_95": [...]}.
Result<double> positive_estimate(const Json& figures, const char* key, const std::string& where) {
  DB_ASSIGN(const Json* estimate, member(figures, key, where));
  return positive_member(*estimate, "value", where + ": " + key);
}

Result<const Json*> choose_point(const Json& json, const std::string& source, int64_t point) {
  DB_ASSIGN(const Json* points, array_member(json, "points", source));
  const auto n = static_cast<int64_t>(points->size());
  if (point >= 1 && point <= n) return &(*points)[static_cast<size_t>(point - 1)];
  if (point == 0 && n == 1) return &points->front();
  const Json sustained = json.value("sustained", Json());
  for (const Json& candidate : *points) {
    if (point == 0 && sustained.is_string() && candidate.value("load", Json()) == sustained) return &candidate;
  }
  return fail(Code::kInvalidArgument, "{}: has {} points{}, wanted --run from 1 to {}, found {}", source, n,
              sustained.is_string() ? "" : " and none that it calls sustained", n, point);
}

Status read_window(const Json& figures, const std::string& where, BenchFigures& out) {
  DB_ASSIGN(const Json* window, member(figures, "window", where));
  DB_ASSIGN(const double begin, number_member(*window, "begin_s", where));
  DB_ASSIGN(const double end, number_member(*window, "end_s", where));
  if (!(end > begin)) return fail(Code::kInvalidArgument, "{}: window: wanted an end after its beginning", where);
  out.duration_s = end - begin;
  return {};
}

/// The server's own account of its time, where the report has it: shares of the run, of which the window is a part.
void read_busy(const Json& figures, BenchFigures& out) {
  const Json input = figures.value("busy_input", Json()), output = figures.value("busy_output", Json());
  if (!input.is_number() || !output.is_number()) return;
  const PhaseSeconds busy{input.get<double>() * out.duration_s, output.get<double>() * out.duration_s};
  if (busy.total() > 0) out.busy = busy;
}

}  // namespace

bool is_load_report(const Json& json) {
  return json.is_object() && json.value("kind", Json()) == kKind;
}

Result<BenchFigures> read_load_report(const Json& json, const std::string& source, int64_t point) {
  DB_ASSIGN(const Json* chosen, choose_point(json, source, point));
  DB_ASSIGN(const std::string load, string_member(*chosen, "load", source));
  const std::string where = source + ": " + load;
  DB_ASSIGN(const Json* figures, member(*chosen, "figures", where));
  BenchFigures out;
  out.name = where;
  DB_TRY(read_window(*figures, where, out));
  read_busy(*figures, out);
  DB_ASSIGN(const double rps, positive_estimate(*figures, "sustained_rps", where));
  DB_ASSIGN(const double output_per_second, positive_estimate(*figures, "output_tok_s", where));
  DB_ASSIGN(const double prompt_length, positive_member(*figures, "prompt_length", where));
  out.n_requests = rps * out.duration_s;
  out.input_tokens = out.n_requests * prompt_length;
  out.output_tokens = output_per_second * out.duration_s;
  const Json cached = figures->value("cached_reported", Json());
  if (cached.is_number()) out.cached_tokens = cached.get<double>() * out.input_tokens;
  DB_ASSIGN(out.verdict, string_member(*chosen, "verdict", where));
  const Json setup = chosen->value("setup", Json::object());
  if (setup.is_object()) {
    const Json manifest = setup.value("manifest", Json::object());
    const Json device = manifest.is_object() ? manifest.value("device", Json()) : Json();
    if (device.is_string()) out.device = device.get<std::string>();
  }
  return out;
}

}  // namespace drawbridge
