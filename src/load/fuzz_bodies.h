// What the fuzzers of this folder do with one input; the tests run the same on the stored corpus.
#pragma once

#include <string>
#include <string_view>

#include "base/check.h"
#include "load/prompt_file.h"
#include "load/record_json.h"
#include "load/records_file.h"
#include "load/stream_event.h"
#include "load/trace.h"

namespace drawbridge {

/// What was read is written, read again, and the same.
inline void fuzz_load_records(std::string_view input) {
  const auto text_of = [](const LoadRun& run) {
    std::string text = setup_line(run.setup) + '\n';
    for (const RequestRecord& record : run.requests) text += record_line(record) + '\n';
    return text + end_line(run) + '\n';
  };
  const auto run = parse_records(input, "records");
  if (!run.ok()) return;
  const std::string once = text_of(*run);
  const auto again = parse_records(once, "again");
  DB_CHECK(again.ok() && text_of(*again) == once);
}

/// The first byte chooses the kind of file.
inline void fuzz_load_files(std::string_view input) {
  if (input.empty()) return;
  const std::string_view text = input.substr(1);
  const auto check_trace = [](const Result<std::vector<TraceRequest>>& trace) {
    if (!trace.ok()) return;
    double last_s = 0;
    for (const TraceRequest& request : *trace) {
      DB_CHECK(request.at_s >= last_s && request.n_prompt >= 1 && request.n_output >= 0);
      last_s = request.at_s;
    }
  };
  switch (input[0] % 4) {
    case 0:
      return check_trace(parse_mooncake_trace(text, "trace", 1000));
    case 1:
      return check_trace(parse_azure_trace(text, "trace", 1000));
    case 2:
      if (const auto prompts = parse_prompt_file(text, "prompts", 1000); prompts.ok()) DB_CHECK(!prompts->empty());
      return;
    default:
      if (const auto prompts = parse_sharegpt_file(text, "prompts", 1000); prompts.ok()) DB_CHECK(!prompts->empty());
  }
}

/// What is no JSON holds nothing.
inline void fuzz_stream_event(std::string_view input) {
  const StreamEvent event = read_stream_event(input);
  if (!event.is_json) DB_CHECK(event.text.empty() && event.error.empty() && event.n_prompt == -1);
}

}  // namespace drawbridge
