// TunedRow: what was measured of one product, for one number of tokens, on one device: one line of a table.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "tuned/device.h"

namespace drawbridge {

/// The numbers of tokens that plans are measured for. A verified draft has (k + 1) rows a request: 6, 12, 24, 48.
inline constexpr int64_t kTokenBuckets[] = {1,  2,   4,   6,   8,    12,   16,   24,   32,    48,   64,
                                            96, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};

/// Where a plan comes from.
enum class PlanOrigin : uint8_t {
  kMeasured,      // here, for this number of tokens
  kImported,      // likewise, in a table made elsewhere for this device
  kInterpolated,  // of a measured number of tokens within a factor of 1.41, one on either side
  kDefault,       // nobody measured
};
inline constexpr size_t kPlanOrigins = 4;
/// "measured", "imported", "interpolated", "default".
const char* plan_origin_name(PlanOrigin origin);

struct TunedKey {
  TunedDevice device;
  ProductKey product;
  int64_t n_tokens = 0;

  friend auto operator<=>(const TunedKey&, const TunedKey&) = default;
};

struct TunedCandidate {
  TilePlan plan;
  std::optional<double> us;  // median; absent: refused, it gave other bits than the default
};

struct TunedRow {
  TunedKey key;
  TilePlan plan;                              // the chosen one
  PlanOrigin origin = PlanOrigin::kMeasured;  // or kImported
  double us = 0;                              // median of the whole op with the chosen plan
  double default_us = 0;                      // with default_plan, measured in turn with the others
  double max_error = 0;                       // largest error of sampled rows against the scalar reference, relative
  std::vector<TunedCandidate> candidates;     // all that were tried, the chosen one and the default among them
  std::string date;                           // "2026-11-24"
  std::string machine;                        // host name
  std::string version;                        // of the program
};

Json tuned_row_to_json(const TunedRow& row);
/// `source` names the file and line in messages.
Result<TunedRow> tuned_row_from_json(const Json& json, const std::string& source);

}  // namespace drawbridge
