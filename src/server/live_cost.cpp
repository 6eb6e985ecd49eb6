#include "server/live_cost.h"

namespace drawbridge {

double machine_dollars(const MachinePrice& price, double seconds) {
  return price.dollars_per_hour.value * seconds / 3600;
}

LiveRates live_rates(const MachinePrice& price, const EngineStats& stats, double uptime_s) {
  const PhaseSeconds busy{stats.busy_input_s, stats.busy_output_s};
  const TokenMix tokens{static_cast<double>(stats.n_prompt_tokens - stats.n_cached_tokens),
                        static_cast<double>(stats.n_cached_tokens), static_cast<double>(stats.n_generated_tokens)};
  const auto attribution = attribution_by_seconds(busy, tokens);
  if (!attribution.ok()) return {};
  return {divide_dollars(machine_dollars(price, busy.total()), tokens, attribution->weights),
          divide_dollars(machine_dollars(price, uptime_s), tokens, attribution->weights)};
}

}  // namespace drawbridge
