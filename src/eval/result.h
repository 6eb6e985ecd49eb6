// What an evaluation found: every item's score, so that two systems can be compared item by item. Plain data; the
// runner and the tau2 loop write it, reports and statistics read it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace drawbridge {

enum class ItemStatus {
  kAnswered,
  kTruncated,  // the answer hit its token limit
  kFailed,     // there is no answer: error says why
};

struct ItemResult {
  std::string id;       // with trial, unique in its task
  std::string cluster;  // items of one question over seeds share it; empty: id
  int64_t trial = 0;
  double score = 0;  // 0..1; 0 unless kAnswered
  ItemStatus status = ItemStatus::kAnswered;
  std::string expected;
  std::string answer;  // as extracted
  std::string error;   // of kFailed
  int64_t n_prompt = 0;
  int64_t n_completion = 0;
};

struct TaskResult {
  std::string task;
  int64_t version = 0;
  std::string filter;  // how the answer was taken out of the text
  int64_t n_shot = 0;
  std::string metric;
  std::vector<ItemResult> items;
};

struct SystemResult {
  std::string label;
  Json manifest;  // everything that decides the scores: model, task, data, sampling
  std::vector<TaskResult> tasks;
};

/// "answered", "truncated", "failed".
const char* item_status_name(ItemStatus status);
/// The member "status" of an object.
Result<ItemStatus> status_member(const Json& object, const std::string& source);

Json item_to_json(const ItemResult& item);
/// `source` starts every message.
Result<ItemResult> item_from_json(const Json& json, const std::string& source);

Json system_to_json(const SystemResult& system);
/// Refuses a missing or mistyped member, a score outside 0..1 or of an item without answer, and an item that stands
/// twice in its task. `source` is the file's path.
Result<SystemResult> parse_system_result(std::string_view text, const std::string& source);
Result<SystemResult> read_system_result(const std::string& path);
/// Appears whole or not at all; replaces an earlier result.
Status write_system_result(const SystemResult& system, const std::string& path);

}  // namespace drawbridge
