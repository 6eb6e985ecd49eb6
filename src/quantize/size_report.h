// What a plan saves: bytes by part, bytes read to decode, and on which machines the result fits. No weight is read.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "quantize/plan.h"

namespace drawbridge {

struct PartSizes {
  std::string name;
  int64_t parameters = 0;
  int64_t before_bytes = 0;
  int64_t after_bytes = 0;
  std::map<std::string, int64_t> formats;  // of the target -> parameters
};

struct DecodeBytes {
  int64_t batch = 1;
  double n_experts = 0;  // distinct routed experts of a layer, expected if each token chooses independently
  double before_bytes = 0;
  double after_bytes = 0;
};

/// Devices of one kind. Weights are split among them, the cache is held by each, as tensor parallel MLA does.
struct Fit {
  int64_t n_devices = 1;
  int64_t device_bytes = 0;
  int64_t before_tokens = 0;  // of bf16 cache beside the weights in 90 % of memory; negative: weights do not fit
  int64_t after_tokens = 0;
};

struct SizeReport {
  std::vector<PartSizes> parts;
  PartSizes total;
  std::vector<DecodeBytes> decode;
  std::vector<Fit> fits;
  std::vector<std::string> notices;
};

SizeReport make_size_report(const QuantizePlan& plan);

std::string size_report_text(const SizeReport& report);
Json size_report_json(const SizeReport& report);

/// The plan for a directory whose weights may be missing: from headers, or from config.json where there are none.
Result<QuantizePlan> plan_directory(const std::string& directory, const PlanOptions& options);

}  // namespace drawbridge
