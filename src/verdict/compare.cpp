#include "verdict/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/json_members.h"
#include "base/json_path.h"
#include "stats/block_bootstrap.h"
#include "stats/quantile.h"

namespace drawbridge {
namespace {

constexpr double kConfidence = 0.95;
constexpr int64_t kResamples = 1000;

/// One side of a comparison.
struct Side {
  const Json& json;
  std::string name;
};

/// How a figure follows from a member of "samples".
struct FigureRule {
  const char* figure;
  const char* samples;
  double level;  // a quantile; 0: the mean
  bool is_rate;
};
constexpr FigureRule kRules[] = {{"sustained, requests/s", "sustained_rps", 0, true},
                                 {"output tok/s", "output_tok_s", 0, true},
                                 {"TTFT p50, s", "ttft_s", 0.5, false},
                                 {"TTFT p95, s", "ttft_s", 0.95, false},
                                 {"TPOT p50, s", "tpot_s", 0.5, false},
                                 {"TPOT p95, s", "tpot_s", 0.95, false},
                                 {"E2E p50, s", "e2e_s", 0.5, false},
                                 {"E2E p95, s", "e2e_s", 0.95, false}};

// Without these two runs are not of one kind; what else differs is said.
constexpr const char* kWorkload[] = {"workload",    "cache_design", "arrivals",       "endpoint",
                                     "ignores_eos", "rate_rps",     "max_concurrency"};
constexpr const char* kSaid[] = {"model", "server", "url", "prompts_counted_by", "output_counted_by", "seed"};

Result<std::vector<double>> numbers(const Json& object, const char* key, const std::string& source) {
  DB_ASSIGN(const Json* list, array_member(object, key, source));
  std::vector<double> values;
  for (const Json& value : *list) {
    if (!value.is_number()) return fail(Code::kCorrupt, "{}: member \"{}\": wanted numbers", source, key);
    values.push_back(value.get<double>());
  }
  return values;
}

double figure_of(std::vector<double>& values, double level) {
  if (level > 0) return quantiles_of(values, std::span(&level, 1)).front();
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

bool is_enough(const std::vector<double>& values, double level) {
  const int64_t needed = level > 0 ? smallest_sample(level, kConfidence) : 1;
  return static_cast<int64_t>(values.size()) >= needed;
}

std::vector<double> replicates_of(const std::vector<double>& values, double level, uint64_t seed) {
  std::vector<double> replicates, resample(values.size());
  for_each_resample(values.size(), {block_length_for(values), kResamples, seed}, [&](std::span<const size_t> places) {
    std::transform(places.begin(), places.end(), resample.begin(), [&](size_t place) { return values[place]; });
    replicates.push_back(figure_of(resample, level));
  });
  return replicates;
}

void set_ratio(RatioRow& row, const std::vector<double>& baseline, const std::vector<double>& candidate, double level,
               uint64_t seed) {
  if (!row.baseline || !row.candidate || *row.baseline <= 0) return;
  row.ratio = *row.candidate / *row.baseline;
  const std::vector<double> below = replicates_of(baseline, level, seed);
  std::vector<double> ratios = replicates_of(candidate, level, seed + 1);
  for (size_t i = 0; i < ratios.size(); ++i) ratios[i] /= below[i];
  if (*std::min_element(below.begin(), below.end()) > 0) row.interval = percentile_interval(ratios, kConfidence);
}

Status compare_points(const std::string& load, const Side& baseline, const Side& candidate, uint64_t seed,
                      MeasurementComparison& comparison) {
  DB_ASSIGN(const Json* samples_a, member(baseline.json, "samples", baseline.name));
  DB_ASSIGN(const Json* samples_b, member(candidate.json, "samples", candidate.name));
  for (const FigureRule& rule : kRules) {
    DB_ASSIGN(std::vector<double> a, numbers(*samples_a, rule.samples, baseline.name));
    DB_ASSIGN(std::vector<double> b, numbers(*samples_b, rule.samples, candidate.name));
    RatioRow row{load, rule.figure, rule.is_rate, {}, {}, {}, {}};
    // figure_of reorders what it is given, and a bootstrap of blocks needs the order.
    std::vector<double> scratch_a = a, scratch_b = b;
    if (is_enough(a, rule.level)) row.baseline = figure_of(scratch_a, rule.level);
    if (is_enough(b, rule.level)) row.candidate = figure_of(scratch_b, rule.level);
    set_ratio(row, a, b, rule.level, seed);
    comparison.rows.push_back(std::move(row));
  }
  return Status();
}

Status refuse_other_workload(const std::string& load, const Side& baseline, const Side& candidate) {
  for (const char* key : kWorkload) {
    const Json a = value_at(baseline.json, {"setup", key}), b = value_at(candidate.json, {"setup", key});
    if (a == b) continue;
    return fail(Code::kInvalidArgument, "{}: setup.{} is {} in {} and {} in {}: they measure different workloads", load,
                key, dump_json(a), baseline.name, dump_json(b), candidate.name);
  }
  return Status();
}

/// Members of two objects that differ, as "path.key: a, then b".
void note_differences(const Json& a, const Json& b, const std::string& path, std::vector<std::string>& notes) {
  std::set<std::string> keys;
  for (const Json* object : {&a, &b}) {
    if (!object->is_object()) continue;
    for (const auto& [key, value] : object->items()) keys.insert(key);
  }
  for (const std::string& key : keys) {
    const Json one = value_at(a, {key.c_str()}), other = value_at(b, {key.c_str()});
    if (one == other) continue;
    if (one.is_object() && other.is_object()) {
      note_differences(one, other, path + "." + key, notes);
      continue;
    }
    notes.push_back(fmt::format("{}.{}: {}, then {}", path, key, dump_json(one), dump_json(other)));
  }
}

void note_setup(const Json& a, const Json& b, std::vector<std::string>& notes) {
  for (const char* key : kSaid) {
    const Json one = value_at(a, {"setup", key}), other = value_at(b, {"setup", key});
    if (one != other) notes.push_back(fmt::format("setup.{}: {}, then {}", key, dump_json(one), dump_json(other)));
  }
  for (const char* key : {"options", "manifest"}) {
    note_differences(value_at(a, {"setup", key}), value_at(b, {"setup", key}), key, notes);
  }
}

const Json* point_named(const Json& points, const std::string& load) {
  const auto found =
      std::find_if(points.begin(), points.end(), [&](const Json& point) { return text_at(point, {"load"}) == load; });
  return found == points.end() ? nullptr : &*found;
}

Result<MeasurementComparison> compare_reports(const Side& baseline, const Side& candidate, uint64_t seed) {
  DB_ASSIGN(const Json* points_a, array_member(baseline.json, "points", baseline.name));
  DB_ASSIGN(const Json* points_b, array_member(candidate.json, "points", candidate.name));
  MeasurementComparison comparison;
  for (const Json& a : *points_a) {
    const std::string load = text_at(a, {"load"});
    const Json* const b = point_named(*points_b, load);
    if (b == nullptr) {
      comparison.notes.push_back(fmt::format("{}: only in {}", load, baseline.name));
      continue;
    }
    DB_TRY(refuse_other_workload(load, {a, baseline.name}, {*b, candidate.name}));
    if (comparison.rows.empty()) note_setup(a, *b, comparison.notes);
    for (const Side& side : {Side{a, baseline.name}, Side{*b, candidate.name}}) {
      const std::string verdict = text_at(side.json, {"verdict"});
      if (verdict == "pass") continue;
      comparison.notes.push_back(fmt::format("{}: the verdict of {} is {}", load, side.name, verdict));
    }
    DB_TRY(compare_points(load, {a, baseline.name}, {*b, candidate.name}, seed, comparison));
  }
  if (!comparison.rows.empty()) return comparison;
  return fail(Code::kInvalidArgument, "{} and {} have no load in common", baseline.name, candidate.name);
}

/// Medians, and the ratios of the most distant rounds.
Result<MeasurementComparison> compare_engines(const Side& baseline, const Side& candidate) {
  DB_ASSIGN(const Json* tests_a, array_member(baseline.json, "tests", baseline.name));
  DB_ASSIGN(const Json* tests_b, array_member(candidate.json, "tests", candidate.name));
  MeasurementComparison comparison;
  comparison.has_intervals = false;
  for (const char* key : {"model", "kv_cache_dtype", "activation", "backend", "n_streams", "n_rounds"}) {
    const Json a = value_at(baseline.json, {key}), b = value_at(candidate.json, {key});
    if (a != b) comparison.notes.push_back(fmt::format("{}: {}, then {}", key, dump_json(a), dump_json(b)));
  }
  for (const Json& a : *tests_a) {
    const std::string test = text_at(a, {"test"});
    for (const Json& b : *tests_b) {
      if (test.empty() || text_at(b, {"test"}) != test) continue;
      RatioRow row{test, "tokens/s", true, {}, {}, {}, {}};
      DB_ASSIGN(row.baseline, number_member(a, "tokens_per_s", baseline.name));
      DB_ASSIGN(row.candidate, number_member(b, "tokens_per_s", candidate.name));
      DB_ASSIGN(const double low_a, number_member(a, "min", baseline.name));
      DB_ASSIGN(const double high_a, number_member(a, "max", baseline.name));
      DB_ASSIGN(const double low_b, number_member(b, "min", candidate.name));
      DB_ASSIGN(const double high_b, number_member(b, "max", candidate.name));
      if (low_a <= 0)
        return fail(Code::kCorrupt, "{}: {}: wanted a rate above 0, found {}", baseline.name, test, low_a);
      row.ratio = *row.candidate / *row.baseline;
      row.interval = Interval{low_b / high_a, high_b / low_a};
      comparison.rows.push_back(std::move(row));
    }
  }
  if (!comparison.rows.empty()) return comparison;
  return fail(Code::kInvalidArgument, "{} and {} have no test in common", baseline.name, candidate.name);
}

}  // namespace

const char* ratio_verdict(const RatioRow& row) {
  if (!row.interval) return "not shown";
  if (row.interval->low > 1) return row.is_rate ? "better" : "worse";
  if (row.interval->high < 1) return row.is_rate ? "worse" : "better";
  return "not shown";
}

Result<MeasurementComparison> compare_measurements(const Json& baseline, const std::string& name_baseline,
                                                   const Json& candidate, const std::string& name_candidate,
                                                   uint64_t seed) {
  DB_TRY(check_object(baseline, name_baseline));
  DB_TRY(check_object(candidate, name_candidate));
  const Side a{baseline, name_baseline}, b{candidate, name_candidate};
  if (baseline.contains("points") && candidate.contains("points")) return compare_reports(a, b, seed);
  if (baseline.contains("tests") && candidate.contains("tests")) return compare_engines(a, b);
  return fail(Code::kInvalidArgument,
              "{} and {}: wanted two reports of `bench serve` (\"points\") or two of `bench engine` (\"tests\")",
              name_baseline, name_candidate);
}

}  // namespace drawbridge
