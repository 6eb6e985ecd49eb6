#include "verdict/report_files.h"

#include <fstream>

namespace drawbridge {
namespace {

Status write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (file) return Status();
  return fail(Code::kPermissionDenied, "{}: cannot be written", path);
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
  DB_TRY(write_file(directory + "/sglang.jsonl", sglang));
  return write_file(directory + "/vllm.json", vllm);
}

}  // namespace drawbridge
