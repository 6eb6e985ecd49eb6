#include "load/records_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/mapped_file.h"
#include "load/record_json.h"
#include "load/run_span.h"

namespace drawbridge {
namespace {

constexpr JsonLimits kLineLimits = {.max_bytes = 64u << 20, .max_depth = 16};

}  // namespace

Result<RecordsWriter> RecordsWriter::create(const std::string& path, const LoadSetup& setup) {
  std::FILE* file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return fail(Code::kPermissionDenied, "{}: cannot be written: {}", path, std::strerror(errno));
  RecordsWriter writer(path, file);
  DB_TRY(writer.write(setup_line(setup)));
  return writer;
}

Status RecordsWriter::write(const std::string& line) {
  const bool is_written = std::fwrite(line.data(), 1, line.size(), file_.get()) == line.size() &&
                          std::fputc('\n', file_.get()) != EOF && std::fflush(file_.get()) == 0;
  if (is_written) return Status();
  return fail(Code::kResourceExhausted, "{}: cannot be written: {}", path_, std::strerror(errno));
}

Status RecordsWriter::add(const RequestRecord& record) {
  return write(record_line(record));
}

Status RecordsWriter::finish(const LoadRun& run) {
  return write(end_line(run));
}

Result<LoadRun> parse_records(std::string_view text, const std::string& path) {
  LoadRun run;
  bool has_end = false;
  size_t n_lines = 0;
  for (size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    const std::string source = fmt::format("{}:{}", path, ++n_lines);
    DB_ASSIGN(const Json json, parse_json(text.substr(0, end), source, kLineLimits));
    text.remove_prefix(end + 1);
    if (has_end) return fail(Code::kCorrupt, "{}: wanted nothing behind the run's end, found another line", source);
    if (n_lines == 1) {
      DB_ASSIGN(run.setup, parse_setup(json, source));
    } else if (json.is_object() && json.contains("end")) {
      DB_TRY(parse_end(json, source, run));
      has_end = true;
    } else {
      DB_ASSIGN(RequestRecord record, parse_record(json, source));
      run.requests.push_back(std::move(record));
    }
  }
  if (n_lines == 0) return fail(Code::kCorrupt, "{}: wanted the records of a load run, found no line", path);
  sort_by_index(run.requests);
  if (has_end) return run;
  measure_span(run);
  run.was_stopped = true;
  run.stop_reason = "the file ends before the run does";
  return run;
}

Result<LoadRun> read_records_file(const std::string& path) {
  DB_ASSIGN(const MappedFile file, MappedFile::open(path));
  const auto bytes = file.bytes();
  return parse_records({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

}  // namespace drawbridge
