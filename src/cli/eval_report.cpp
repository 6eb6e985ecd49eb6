#include "cli/eval_report.h"

#include <fstream>
#include <iostream>

namespace drawbridge {
namespace {

Status write_page(const EvalReport& report, const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  file << render_html(report);
  file.close();
  if (file) return Status();
  return fail(Code::kPermissionDenied, "{}: cannot be written", path);
}

}  // namespace

void add_report_options(CLI::App& verb, ReportOptions& options) {
  verb.add_flag("--json", options.json, "one JSON object");
  verb.add_option("--html", options.html, "also write the report as one page to this file");
}

Status put_report(const EvalReport& report, const ReportOptions& options) {
  std::cout << (options.json ? pretty_json(render_json(report)) : render_terminal(report));
  return options.html.empty() ? Status() : write_page(report, options.html);
}

Status write_result_files(const SystemResult& result, const std::string& out) {
  DB_TRY(write_system_result(result, out + ".json"));
  return write_page({{result}, {}, {}}, out + ".html");
}

}  // namespace drawbridge
