// The files of a load report, side by side in one directory.
#pragma once

#include <string>

#include "base/result.h"
#include "verdict/report.h"

namespace drawbridge {

/// Writes report.json and report.html, sglang.jsonl (a line a point, as bench_serving appends them) and vllm.json (the
/// same, as `vllm bench serve --append-result` does: of one point, one object). Replaces those that are there.
Status write_report_files(const LoadReport& report, const std::string& directory);

}  // namespace drawbridge
