// Published rows of a load test, judged by what needs no records: whether the table agrees with itself, whether it went
// to the knee it names, and what it would have to say besides.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "verdict/check.h"

namespace drawbridge {

struct PublishedRow {
  std::string system;
  double rps = 0;
  double output_tok_s = 0;
  std::optional<double> ttft_p50_s, ttft_p95_s, success;
  std::optional<int64_t> n_requests;
};

struct PublishedTable {
  std::string source;
  std::string workload;
  double output_tokens = 0;  // of an answer
  double ttft_limit_s = 0;   // at which the knee is said to be; 0: none
  std::vector<PublishedRow> rows;
};

/// Errors name the file and the member.
Result<PublishedTable> read_published(const std::string& path);

struct PublishedReport {
  PublishedTable table;
  std::vector<Check> rows;    // of each row: tokens/s against requests/s times length
  std::vector<Check> checks;  // of the table
  LoadVerdict verdict = LoadVerdict::kPass;
};

PublishedReport judge_published(PublishedTable table);

std::string published_text(const PublishedReport& report);
Json published_json(const PublishedReport& report);

}  // namespace drawbridge
