#include "engine/plan_choice.h"

#include <fmt/ranges.h>

#include <filesystem>

#include "tuned/plan_text.h"

namespace drawbridge {
namespace {

constexpr size_t kNamed = 3;  // products in one message

/// The first few, "; and 19 more" at the end.
std::string first_of(std::vector<std::string> names) {
  const size_t n = names.size();
  names.resize(std::min(n, kNamed));
  return fmt::format("{}{}", fmt::join(names, "; "), n > kNamed ? fmt::format("; and {} more", n - kNamed) : "");
}

}  // namespace

Result<PlanChoice> choose_plans(const EngineOptions& options) {
  PlanChoice choice;
  CpuOptions cpu;
  cpu.isa = options.isa;
  cpu.n_threads = options.n_threads;
  DB_ASSIGN(choice.device, tuned_device(cpu));
  choice.table = options.tuned_table;
  if (choice.table.empty()) {
    const std::string own = default_table_path(options.model, choice.device);
    std::error_code unreadable;
    if (std::filesystem::exists(own, unreadable)) choice.table = own;
  }
  TunedTable table;
  if (!choice.table.empty()) {
    DB_ASSIGN(table, TunedTable::read(choice.table));
  }
  choice.plans = std::make_shared<TunedPlans>(DevicePlans(table, choice.device, tile_limits(choice.device.isa)));
  return choice;
}

ExpectedTraffic expected_traffic(const EngineOptions& options) {
  return {options.max_running, options.max_step_tokens};
}

std::vector<std::string> moe_key_lines(const Coverage& coverage, const Glm52Config& config) {
  std::vector<std::string> lines;
  for (const ProductCoverage& product : coverage.products) {
    const ProductKey& key = product.product.key;
    if (key.experts == 0) continue;
    const int64_t fused = key.experts - config.n_experts;
    const std::string shared = fused > 0                     ? fmt::format(" + {} fused shared", fused)
                               : config.n_shared_experts > 0 ? ", the shared one apart"
                                                             : "";
    lines.push_back(fmt::format("moe E={} ({} routed{}) topk={} is looked up as {}", key.experts, config.n_experts,
                                shared, key.experts_per_token, key_text(key)));
  }
  return lines;
}

std::vector<std::string> plan_lines(const PlanChoice& choice, const Coverage& coverage, const Glm52Config& config) {
  if (coverage.products.empty()) return {};
  std::vector<std::string> lines = {fmt::format(
      "plans of {}: {} ({} products at {} numbers of tokens, each counted once)",
      choice.table.empty() ? "no table" : choice.table, coverage.shares(), coverage.products.size(), coverage.total())};
  for (std::string& line : moe_key_lines(coverage, config)) lines.push_back(std::move(line));
  return lines;
}

std::vector<std::string> plan_notices(const EngineOptions& options, const PlanChoice& choice,
                                      const Coverage& coverage) {
  std::vector<std::string> notices;
  const std::string mend = fmt::format("`drawbridge tune --model {}` measures them", options.model);
  if (const auto& cut = choice.plans->rows().cut(); !cut.empty()) {
    notices.push_back(
        fmt::format("{} of {}'s plans are beyond what the kernels of {} do: {}; `drawbridge tune --model {} --again` "
                    "measures them anew",
                    cut.size(), choice.table, device_text(choice.device), first_of(cut), options.model));
  }
  const size_t n_missing = coverage.missing().size();
  if (n_missing == 0) return notices;
  if (choice.table.empty()) {
    notices.push_back(
        fmt::format("nobody measured plans for this model on this device ({}): its {} products are cut by default; {}",
                    device_text(choice.device), n_missing, mend));
  } else if (choice.plans->rows().empty()) {
    notices.push_back(fmt::format("{} has no plan for this device ({}): {} products are cut by default; {}",
                                  choice.table, device_text(choice.device), n_missing, mend));
  } else {
    notices.push_back(fmt::format("{} does not cover {} products: {}; {}", choice.table, n_missing,
                                  first_of(coverage.missing()), mend));
  }
  return notices;
}

Status check_strict(const EngineOptions& options, const Coverage& coverage) {
  const size_t n_missing = coverage.missing().size();
  if (!options.strict || n_missing == 0) return Status();
  return fail(Code::kNotFound,
              "--strict: {} products of the expected traffic have no measured or imported plan: {}; `drawbridge tune "
              "--model {}` measures them",
              n_missing, first_of(coverage.missing()), options.model);
}

}  // namespace drawbridge
