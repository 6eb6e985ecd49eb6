// Where a report goes: the terminal as tables or JSON, and a page if asked for.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

#include "eval/report.h"

namespace drawbridge {

struct ReportOptions {
  bool json = false;
  std::string html;  // file to write; empty: none
};

void add_report_options(CLI::App& verb, ReportOptions& options);
Status put_report(const EvalReport& report, const ReportOptions& options);

/// Writes OUT.json, what `eval compare` reads, and OUT.html, a page of it.
Status write_result_files(const SystemResult& result, const std::string& out);

}  // namespace drawbridge
