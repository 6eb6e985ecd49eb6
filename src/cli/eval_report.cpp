#include "cli/eval_report.h"

#include <fstream>
#include <iostream>

namespace drawbridge {

void add_report_options(CLI::App& verb, ReportOptions& options) {
  verb.add_flag("--json", options.json, "one JSON object");
  verb.add_option("--html", options.html, "also write the report as one page to this file");
}

Status put_report(const EvalReport& report, const ReportOptions& options) {
  std::cout << (options.json ? pretty_json(render_json(report)) : render_terminal(report));
  if (options.html.empty()) return Status();
  std::ofstream file(options.html, std::ios::binary);
  file << render_html(report);
  file.close();
  if (file) return Status();
  return fail(Code::kPermissionDenied, "{}: cannot be written", options.html);
}

}  // namespace drawbridge
