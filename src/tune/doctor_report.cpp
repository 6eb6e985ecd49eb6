#include <fmt/ranges.h>

#include "base/printable.h"
#include "base/text_table.h"
#include "base/units.h"
#include "tune/doctor.h"
#include "tuned/plan_text.h"

namespace drawbridge {
namespace {

int64_t count_of(const ProductCoverage& product, PlanOrigin origin) {
  return std::count_if(product.buckets.begin(), product.buckets.end(),
                       [&](const auto& bucket) { return bucket.second.origin == origin; });
}

std::string table_text(const DoctorReport& report) {
  if (!report.health) return "table     none: every product is cut by default\n";
  const TableHealth& h = *report.health;
  std::string text = fmt::format("table     {}: {} rows for this device", report.table, h.n_rows);
  if (h.n_rows > 0) text += fmt::format(", measured {} to {}", printable(h.oldest), printable(h.newest));
  text += fmt::format("; {} rows of other devices, {} files of other engines\n", h.n_other_devices, h.n_foreign_files);
  if (h.n_other_version > 0)
    text += fmt::format("STALE     {} rows are of another version of drawbridge\n", h.n_other_version);
  if (h.n_other_machine > 0) text += fmt::format("ELSEWHERE {} rows are of another machine\n", h.n_other_machine);
  for (const std::string& row : report.cut) text += fmt::format("CUT       {}\n", row);
  return text;
}

std::string coverage_text(const DoctorReport& report) {
  const Coverage& coverage = *report.coverage;
  if (coverage.products.empty()) return "coverage  no product of this model is cut by a plan on this device\n";
  std::string text =
      fmt::format("coverage  {} (each product and number of tokens counted once)\n\n", coverage.shares());
  TextTable table({"<product", "measured", "imported", "interpolated", "default", "<no row for tokens"});
  for (const ProductCoverage& product : coverage.products) {
    std::vector<int64_t> without;
    for (const auto& [bucket, found] : product.buckets) {
      if (found.origin == PlanOrigin::kInterpolated || found.origin == PlanOrigin::kDefault) without.push_back(bucket);
    }
    std::vector<std::string> cells = {key_text(product.product.key)};
    for (size_t i = 0; i < kPlanOrigins; ++i) {
      cells.push_back(fmt::format("{}", count_of(product, static_cast<PlanOrigin>(i))));
    }
    cells.push_back(fmt::format("{}", fmt::join(without, ",")));
    table.add(std::move(cells));
  }
  text += table.text();
  if (!report.missing().empty()) {
    text += fmt::format("\n`drawbridge tune --model {}` measures what has no row\n", report.model);
  }
  return text;
}

}  // namespace

std::string doctor_text(const DoctorReport& report) {
  const MachineInfo& m = report.machine;
  std::string text =
      fmt::format("machine   {}, {} CPUs, {} of memory, {}-byte pages, huge pages: {}\n", m.cpu, m.n_cpus,
                  format_bytes(m.memory_bytes), m.page_bytes, m.huge_pages.empty() ? "no" : m.huge_pages);
  text += fmt::format("kernels   {}, {} threads (usable: {})\n", report.device.isa, report.device.n_threads,
                      fmt::join(report.usable_isas, ", "));
  if (!report.model.empty()) text += fmt::format("model     {}: {}\n", report.model, report.backend);
  if (!report.packing.empty()) text += fmt::format("weights   {}\n", report.packing);
  for (const std::string& line : report.moe_keys) text += fmt::format("experts   {}\n", line);
  if (!report.model.empty() || report.health) text += table_text(report);
  if (report.coverage) text += coverage_text(report);
  return text;
}

Json doctor_json(const DoctorReport& report) {
  const MachineInfo& m = report.machine;
  Json json = {
      {"machine",
       {{"cpu", m.cpu},
        {"cpus", m.n_cpus},
        {"isa", m.isa},
        {"memory_bytes", m.memory_bytes},
        {"page_bytes", m.page_bytes},
        {"huge_pages", m.huge_pages}}},
      {"usable_isas", report.usable_isas},
      {"device", {{"cpu", report.device.cpu}, {"isa", report.device.isa}, {"threads", report.device.n_threads}}},
      {"model", report.model},
      {"backend", report.backend},
      {"weights", report.packing},
      {"moe_keys", report.moe_keys},
      {"table", report.table},
      {"cut", report.cut},
      {"missing", report.missing()}};
  if (report.health) {
    const TableHealth& h = *report.health;
    json["rows"] = {{"this_device", h.n_rows},
                    {"other_devices", h.n_other_devices},
                    {"foreign_files", h.n_foreign_files},
                    {"other_version", h.n_other_version},
                    {"other_machine", h.n_other_machine},
                    {"oldest", h.oldest},
                    {"newest", h.newest}};
  }
  if (!report.coverage) return json;
  json["products"] = Json::array();
  for (const ProductCoverage& product : report.coverage->products) {
    Json buckets = Json::array();
    for (const auto& [bucket, found] : product.buckets) {
      buckets.push_back(
          {{"tokens", bucket}, {"plan", plan_text(found.plan)}, {"origin", plan_origin_name(found.origin)}});
    }
    json["products"].push_back({{"product", key_text(product.product.key)}, {"buckets", std::move(buckets)}});
  }
  return json;
}

}  // namespace drawbridge
