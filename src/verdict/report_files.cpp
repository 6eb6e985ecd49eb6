#include "verdict/report_files.h"

#include <fstream>
#include <utility>
#include <vector>

#include "base/html_page.h"
#include "verdict/plots.h"

namespace drawbridge {
namespace {

Status write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (file) return Status();
  return fail(Code::kPermissionDenied, "{}: cannot be written", path);
}

/// The page's plots as files: of the sweep, and of the load that it calls sustained (else of the first).
Status write_pictures(const LoadReport& report, const std::string& directory) {
  if (report.points.empty()) return Status();
  const size_t shown = report.best.value_or(0);
  const SteadyWindow& window = report.points[shown].figures.window;
  std::vector<std::pair<const char*, std::string>> pictures = {
      {"cdf", ttft_cdf_chart(report.runs[shown], window)}, {"timeline", timeline_chart(report.runs[shown], window)}};
  if (report.points.size() > 1) {
    pictures.emplace_back("throughput", throughput_chart(report.points));
    pictures.emplace_back("ttft", ttft_chart(report.points, report.options.ttft_limit_s));
  }
  for (const auto& [name, chart] : pictures) {
    DB_TRY(write_file(fmt::format("{}/{}.svg", directory, name), svg_picture(chart)));
  }
  return Status();
}

}  // namespace

Status write_report_files(const LoadReport& report, const std::string& directory) {
  std::string sglang, vllm;
  for (size_t i = 0; i < report.points.size(); ++i) {
    sglang += dump_json(sglang_json(report, i)) + "\n";
    vllm += dump_json(vllm_json(report, i)) + "\n";
  }
  DB_TRY(write_file(directory + "/report.json", dump_json(report_json(report)) + "\n"));
  DB_TRY(write_file(directory + "/report.html", report_html(report)));
  DB_TRY(write_pictures(report, directory));
  DB_TRY(write_file(directory + "/sglang.jsonl", sglang));
  return write_file(directory + "/vllm.json", vllm);
}

}  // namespace drawbridge
