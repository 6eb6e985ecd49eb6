// Plans of products: which table an engine takes them from, and what the user must know about what it covers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "model/glm52_config.h"
#include "tuned/coverage.h"

namespace drawbridge {

/// A model's plans on the device of `options`.
struct PlanChoice {
  TunedDevice device;
  std::string table;  // --tuned-table, or the model's own for this device; empty: there is none
  std::shared_ptr<TunedPlans> plans;
};

/// Errors: a table that --tuned-table names cannot be read, or any table is malformed.
Result<PlanChoice> choose_plans(const EngineOptions& options);

ExpectedTraffic expected_traffic(const EngineOptions& options);
/// "moe E=65 (64 routed + 1 fused shared) topk=9 ...": the key that each stage of the experts is looked up by.
std::vector<std::string> moe_key_lines(const Coverage& coverage, const Glm52Config& config);
/// "plans of DIR/tuned/x.jsonl: 100.0 % measured (22 products, each at 1 to 512 tokens, counted once)", then the keys
/// of the experts. Empty where the backend asks for no plans.
std::vector<std::string> plan_lines(const PlanChoice& choice, const Coverage& coverage, const Glm52Config& config);
/// What is missing, and the command that mends it.
std::vector<std::string> plan_notices(const EngineOptions& options, const PlanChoice& choice, const Coverage& coverage);
/// --strict: an error that names the first products without a measured or imported plan.
Status check_strict(const EngineOptions& options, const Coverage& coverage);

}  // namespace drawbridge
