#include "quantize/size_report.h"

#include <cmath>
#include <filesystem>

#include "base/text_table.h"
#include "base/units.h"
#include "model/kv_cache.h"

namespace drawbridge {
namespace {

constexpr std::array<int64_t, 3> kBatches = {1, 8, 64};
constexpr std::array<int64_t, 4> kDeviceCounts = {1, 2, 4, 8};
// Data sheets: MI355X, MI300X and others of 192 GB; H200; B200 as most clouds offer it.
constexpr std::array<int64_t, 4> kDeviceBytes = {288'000'000'000, 192'000'000'000, 141'000'000'000, 180'000'000'000};
constexpr double kUsableShare = 0.9;
constexpr const char* kMtpName = "MTP layer";
constexpr const char* kOtherName = "not used";

std::string part_of(const SourceTensor& source) {
  if (source.is_mtp) return kMtpName;
  return source.part ? part_name(*source.part) : kOtherName;
}

void add_conversion(const Conversion& conversion, PartSizes& part) {
  const SourceTensor& source = conversion.source;
  int64_t parameters = source.n * source.k;
  if (!source.is_matrix()) {
    parameters = 1;
    for (const int64_t extent : source.shape) parameters *= extent;
  }
  auto stored = stored_format(conversion.format);
  if (!stored) stored = source.is_matrix() ? source.format : float_format(source.dtype);
  const std::string format = stored ? weight_format_name(*stored) : dtype_name(source.dtype);
  part.parameters += parameters;
  part.before_bytes += source.bytes();
  part.after_bytes += conversion.target_bytes();
  part.formats[format] += parameters;
}

/// What a step of `batch` tokens reads: everything once, but of the experts only those that are chosen.
DecodeBytes decode_bytes(const QuantizePlan& plan, int64_t batch) {
  const Glm52Config& c = plan.config;
  DecodeBytes read;
  read.batch = batch;
  const auto n_experts = static_cast<double>(c.n_experts);
  double share = 0;
  if (c.n_experts > 0) {
    const double missed = 1 - static_cast<double>(c.experts_per_token) / n_experts;
    read.n_experts = n_experts * (1 - std::pow(missed, static_cast<double>(batch)));
    share = read.n_experts / n_experts;
  }
  for (const Conversion& conversion : plan.conversions) {
    const SourceTensor& source = conversion.source;
    if (source.is_mtp || !source.part) continue;
    if (source.part == ModelPart::kEmbedding && !c.tied_embeddings) continue;
    const double factor = source.part == ModelPart::kRoutedExpert ? share : 1.0;
    read.before_bytes += factor * static_cast<double>(source.bytes());
    read.after_bytes += factor * static_cast<double>(conversion.target_bytes());
  }
  return read;
}

/// Tokens of cache beside a device's share of the weights.
int64_t tokens_that_fit(int64_t weight_bytes, const Fit& fit, int64_t token_bytes) {
  const double usable = kUsableShare * static_cast<double>(fit.device_bytes);
  const double rest = usable - static_cast<double>(weight_bytes) / static_cast<double>(fit.n_devices);
  return rest < 0 ? -1 : static_cast<int64_t>(rest / static_cast<double>(token_bytes));
}

std::string formats_text(const PartSizes& part) {
  std::string text;
  for (const auto& [format, parameters] : part.formats) text += (text.empty() ? "" : ", ") + format;
  return text;
}

std::string tokens_text(int64_t tokens) {
  return tokens < 0 ? "-" : format_count(tokens);
}

std::string gigabytes(double bytes) {
  return format_bytes(static_cast<int64_t>(bytes));
}

Json part_json(const PartSizes& part) {
  Json formats = Json::object();
  for (const auto& [format, parameters] : part.formats) formats[format] = parameters;
  return {{"name", part.name},
          {"parameters", part.parameters},
          {"before_bytes", part.before_bytes},
          {"after_bytes", part.after_bytes},
          {"formats", std::move(formats)}};
}

std::string fits_text(const SizeReport& report) {
  std::vector<std::string> headings = {"<a device", "<weights"};
  for (const int64_t n : kDeviceCounts) headings.push_back(fmt::format("x {}", n));
  TextTable table(headings);
  for (size_t from = 0; from < report.fits.size(); from += kDeviceCounts.size()) {
    std::vector<std::string> before = {format_bytes(report.fits[from].device_bytes), "before"}, after = {"", "after"};
    for (size_t i = from; i < from + kDeviceCounts.size(); ++i) {
      before.push_back(tokens_text(report.fits[i].before_tokens));
      after.push_back(tokens_text(report.fits[i].after_tokens));
    }
    table.add(before);
    table.add(after);
  }
  return table.text();
}

}  // namespace

SizeReport make_size_report(const QuantizePlan& plan) {
  SizeReport report;
  report.notices = plan.notices;
  report.total.name = "total";
  std::map<std::string, size_t> place;
  for (const Conversion& conversion : plan.conversions) {
    const std::string name = part_of(conversion.source);
    const auto [found, fresh] = place.try_emplace(name, report.parts.size());
    if (fresh) report.parts.push_back({name, 0, 0, 0, {}});
    add_conversion(conversion, report.parts[found->second]);
    add_conversion(conversion, report.total);
  }
  for (const int64_t batch : kBatches) report.decode.push_back(decode_bytes(plan, batch));
  const int64_t token_bytes = kv_bytes_per_token(plan.config, KvCacheType::kBF16).total();
  for (const int64_t device_bytes : kDeviceBytes) {
    for (const int64_t n_devices : kDeviceCounts) {
      Fit fit = {n_devices, device_bytes, 0, 0};
      fit.before_tokens = tokens_that_fit(report.total.before_bytes, fit, token_bytes);
      fit.after_tokens = tokens_that_fit(report.total.after_bytes, fit, token_bytes);
      report.fits.push_back(fit);
    }
  }
  return report;
}

std::string size_report_text(const SizeReport& report) {
  TextTable sizes({"<part", "parameters", "before", "after", "<stored as"});
  const auto add = [&](const PartSizes& part) {
    sizes.add({part.name, format_count(part.parameters), format_bytes(part.before_bytes),
               format_bytes(part.after_bytes), formats_text(part)});
  };
  for (const PartSizes& part : report.parts) add(part);
  sizes.add_rule();
  add(report.total);
  TextTable decode({"batch", "experts a layer", "before", "after"});
  for (const DecodeBytes& read : report.decode) {
    decode.add({fmt::format("{}", read.batch), fmt::format("{:.1f}", read.n_experts), gigabytes(read.before_bytes),
                gigabytes(read.after_bytes)});
  }
  std::string text = sizes.text() + "\nRead to decode one step, routing being independent:\n" + decode.text();
  text +=
      "\nTokens of bf16 cache that fit in 90 % of memory beside the weights (weights split among the devices, the\n"
      "cache on each of them; -: the weights alone do not fit):\n";
  text += fits_text(report);
  for (const std::string& notice : report.notices) text += "\n" + notice;
  return report.notices.empty() ? text : text + "\n";
}

Json size_report_json(const SizeReport& report) {
  Json parts = Json::array(), decode = Json::array(), fits = Json::array();
  for (const PartSizes& part : report.parts) parts.push_back(part_json(part));
  for (const DecodeBytes& read : report.decode) {
    decode.push_back({{"batch", read.batch},
                      {"experts_per_layer", read.n_experts},
                      {"before_bytes", static_cast<int64_t>(read.before_bytes)},
                      {"after_bytes", static_cast<int64_t>(read.after_bytes)}});
  }
  for (const Fit& fit : report.fits) {
    fits.push_back({{"n_devices", fit.n_devices},
                    {"device_bytes", fit.device_bytes},
                    {"before_fits", fit.before_tokens >= 0},
                    {"before_cache_tokens", std::max<int64_t>(0, fit.before_tokens)},
                    {"after_fits", fit.after_tokens >= 0},
                    {"after_cache_tokens", std::max<int64_t>(0, fit.after_tokens)}});
  }
  return {{"parts", std::move(parts)},
          {"total", part_json(report.total)},
          {"decode", std::move(decode)},
          {"fits", std::move(fits)},
          {"notices", report.notices}};
}

Result<QuantizePlan> plan_directory(const std::string& directory, const PlanOptions& options) {
  namespace fs = std::filesystem;
  DB_ASSIGN(const Glm52Config config, load_glm52_config(directory));
  std::error_code ignored;
  const bool has_tensors = fs::exists(directory + "/model.safetensors", ignored) ||
                           fs::exists(directory + "/model.safetensors.index.json", ignored);
  if (!has_tensors) {
    DB_ASSIGN(QuantizePlan plan, make_quantize_plan(config, list_source_tensors(config), options));
    plan.notices.push_back("no safetensors file: the numbers follow from config.json alone");
    return plan;
  }
  DB_ASSIGN(const Checkpoint checkpoint, Checkpoint::open(directory, Contents::kHeader));
  DB_ASSIGN(std::vector<SourceTensor> tensors, list_source_tensors(config, checkpoint));
  return make_quantize_plan(config, std::move(tensors), options);
}

}  // namespace drawbridge
