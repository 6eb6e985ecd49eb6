#include "tune/doctor.h"

#include <algorithm>

#include "backend/cpu_device.h"
#include "base/version.h"
#include "engine/step.h"
#include "tune/provenance.h"

namespace drawbridge {

std::vector<std::string> DoctorReport::missing() const {
  return coverage ? coverage->missing() : std::vector<std::string>();
}

TableHealth table_health(const TunedTable& table, const TunedDevice& device) {
  TableHealth health;
  health.n_foreign_files = static_cast<int64_t>(table.foreign().size());
  for (const auto& [key, row] : table.rows()) {
    if (key.device != device) {
      ++health.n_other_devices;
      continue;
    }
    ++health.n_rows;
    if (row.version != version()) ++health.n_other_version;
    if (row.machine != host_name()) ++health.n_other_machine;
    if (health.oldest.empty() || row.date < health.oldest) health.oldest = row.date;
    health.newest = std::max(health.newest, row.date);
  }
  return health;
}

Result<DoctorReport> doctor(const EngineOptions& engine) {
  DoctorReport report;
  report.machine = read_machine_info();
  report.usable_isas = usable_cpu_isas();
  DB_ASSIGN(const PlanChoice choice, choose_plans(engine));
  report.device = choice.device;
  if (!choice.table.empty()) {
    DB_ASSIGN(const TunedTable table, TunedTable::read(choice.table));
    report.table = choice.table;
    report.health = table_health(table, choice.device);
    report.cut = choice.plans->rows().cut();
  }
  if (engine.model.empty()) return report;
  report.model = engine.model;
  DB_ASSIGN(const Glm52Config config, load_glm52_config(engine.model));
  DB_ASSIGN(const auto runner, make_step_runner(engine, config, OpWatchers{}));
  DB_ASSIGN(const StepRunner::Probe probe, runner->probe());
  report.backend = runner->backend().describe();
  report.packing = runner->packing();
  const TunedPlans& plans = *runner->plans().plans;
  report.coverage = coverage_of(plans.rows(), products_seen(plans, probe.n_tokens), expected_traffic(engine));
  report.moe_keys = moe_key_lines(*report.coverage, config);
  return report;
}

}  // namespace drawbridge
