#include "tuned/row.h"

#include <cmath>

#include "base/json_members.h"
#include "tuned/plan_text.h"

namespace drawbridge {
namespace {

constexpr int64_t kMaxSize = int64_t{1} << 40;
constexpr int64_t kMaxThreads = 1 << 20;
constexpr size_t kMaxText = 256;
constexpr size_t kMaxCandidates = 512;
constexpr const char* kRefused = "refused";

std::string at(const std::string& source, const char* key) {
  return fmt::format("{}: member \"{}\"", source, key);
}

Result<int64_t> size_member(const Json& json, const char* key, int64_t low, int64_t high, const std::string& source) {
  DB_ASSIGN(const int64_t value, integer_member(json, key, source));
  if (value >= low && value <= high) return value;
  return fail(Code::kOutOfRange, "{}: wanted {} to {}, found {}", at(source, key), low, high, value);
}

Result<double> measured_member(const Json& json, const char* key, const std::string& source) {
  DB_ASSIGN(const double value, number_member(json, key, source));
  if (std::isfinite(value) && value >= 0) return value;
  return fail(Code::kOutOfRange, "{}: wanted a finite number of at least 0, found {}", at(source, key), value);
}

Result<std::string> text_member(const Json& json, const char* key, const std::string& source) {
  DB_ASSIGN(std::string text, string_member(json, key, source));
  if (text.size() <= kMaxText) return text;
  return fail(Code::kOutOfRange, "{}: wanted at most {} bytes, found {}", at(source, key), kMaxText, text.size());
}

/// A member that is the name of something, by `parse`.
template <typename Parse>
auto parsed_member(const Json& json, const char* key, const std::string& source, const Parse& parse)
    -> decltype(parse(std::string_view(), source)) {
  DB_ASSIGN(const std::string text, text_member(json, key, source));
  return parse(text, at(source, key));
}

Result<PlanOrigin> origin_from_name(std::string_view name, const std::string& source) {
  for (const PlanOrigin origin : {PlanOrigin::kMeasured, PlanOrigin::kImported}) {
    if (name == plan_origin_name(origin)) return origin;
  }
  return fail(Code::kCorrupt, "{}: wanted measured or imported, found \"{}\"", source, name.substr(0, 40));
}

Status read_key(const Json& json, const std::string& source, TunedKey& key) {
  DB_ASSIGN(key.device.cpu, text_member(json, "cpu", source));
  DB_ASSIGN(key.device.isa, text_member(json, "isa", source));
  DB_ASSIGN(key.device.n_threads, size_member(json, "threads", 1, kMaxThreads, source));
  ProductKey& product = key.product;
  DB_ASSIGN(product.stage, parsed_member(json, "stage", source, stage_from_name));
  DB_ASSIGN(product.format, parsed_member(json, "format", source, weight_format_from_name));
  DB_ASSIGN(product.input, parsed_member(json, "input", source, panel_input_from_name));
  DB_ASSIGN(product.n, size_member(json, "n", 1, kMaxSize, source));
  DB_ASSIGN(product.k, size_member(json, "k", 1, kMaxSize, source));
  DB_ASSIGN(product.experts, size_member(json, "experts", 0, kMaxSize, source));
  DB_ASSIGN(product.experts_per_token, size_member(json, "experts_per_token", 0, product.experts, source));
  DB_ASSIGN(key.n_tokens, size_member(json, "tokens", 1, kMaxSize, source));
  return Status();
}

Status read_candidates(const Json& json, const std::string& source, std::vector<TunedCandidate>& candidates) {
  DB_ASSIGN(const Json* all, member(json, "candidates", source));
  const std::string place = at(source, "candidates");
  DB_TRY(check_object(*all, place));
  if (all->size() > kMaxCandidates) {
    return fail(Code::kOutOfRange, "{}: wanted at most {}, found {}", place, kMaxCandidates, all->size());
  }
  for (const auto& [name, value] : all->items()) {
    TunedCandidate candidate;
    DB_ASSIGN(candidate.plan, plan_from_text(name, place));
    if (!value.is_string() || value != kRefused) {
      DB_ASSIGN(candidate.us, measured_member(*all, name.c_str(), place));
    }
    candidates.push_back(candidate);
  }
  return Status();
}

/// The chosen plan must not be one that gave other bits.
Status check_plan(const TunedRow& row, const std::string& source) {
  for (const TunedCandidate& candidate : row.candidates) {
    if (candidate.plan != row.plan || candidate.us) continue;
    return fail(Code::kCorrupt, "{}: wanted a plan that was not refused, found {}", at(source, "plan"),
                plan_text(row.plan));
  }
  return Status();
}

}  // namespace

const char* plan_origin_name(PlanOrigin origin) {
  switch (origin) {
    case PlanOrigin::kMeasured:
      return "measured";
    case PlanOrigin::kImported:
      return "imported";
    case PlanOrigin::kInterpolated:
      return "interpolated";
    case PlanOrigin::kDefault:
      return "default";
  }
  return "unknown";
}

Json tuned_row_to_json(const TunedRow& row) {
  const ProductKey& product = row.key.product;
  Json candidates = Json::object();
  for (const TunedCandidate& candidate : row.candidates) {
    candidates[plan_text(candidate.plan)] = candidate.us ? Json(*candidate.us) : Json(kRefused);
  }
  return {{"stage", stage_name(product.stage)},
          {"format", weight_format_name(product.format)},
          {"input", panel_input_name(product.input)},
          {"n", product.n},
          {"k", product.k},
          {"experts", product.experts},
          {"experts_per_token", product.experts_per_token},
          {"tokens", row.key.n_tokens},
          {"plan", plan_text(row.plan)},
          {"us", row.us},
          {"default_us", row.default_us},
          {"origin", plan_origin_name(row.origin)},
          {"max_error", row.max_error},
          {"candidates", std::move(candidates)},
          {"cpu", row.key.device.cpu},
          {"isa", row.key.device.isa},
          {"threads", row.key.device.n_threads},
          {"date", row.date},
          {"machine", row.machine},
          {"version", row.version}};
}

Result<TunedRow> tuned_row_from_json(const Json& json, const std::string& source) {
  TunedRow row;
  DB_TRY(read_key(json, source, row.key));
  DB_ASSIGN(row.plan, parsed_member(json, "plan", source, plan_from_text));
  DB_ASSIGN(row.origin, parsed_member(json, "origin", source, origin_from_name));
  DB_ASSIGN(row.us, measured_member(json, "us", source));
  DB_ASSIGN(row.default_us, measured_member(json, "default_us", source));
  DB_ASSIGN(row.max_error, measured_member(json, "max_error", source));
  DB_TRY(read_candidates(json, source, row.candidates));
  DB_TRY(check_plan(row, source));
  DB_ASSIGN(row.date, text_member(json, "date", source));
  DB_ASSIGN(row.machine, text_member(json, "machine", source));
  DB_ASSIGN(row.version, text_member(json, "version", source));
  return row;
}

}  // namespace drawbridge
