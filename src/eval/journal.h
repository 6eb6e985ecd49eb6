// AnswerJournal: the answers of a run as they came, one JSON object a line, synced one by one, so that a run that was
// stopped at any point goes on where it was. The first line holds the run's manifest. It keeps texts, not scores: a
// score is computed from its text whenever it is wanted.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "base/line_file.h"
#include "eval/chat_target.h"
#include "eval/item.h"
#include "eval/result.h"

namespace drawbridge {

struct Answer {
  std::string id;
  int64_t trial = 0;
  ItemStatus status = ItemStatus::kAnswered;
  std::string text;
  std::string reasoning;
  std::string error;  // of kFailed
  int64_t n_prompt = 0;
  int64_t n_completion = 0;
};

/// Movable; one process at a time holds a journal.
class AnswerJournal {
 public:
  using Key = std::pair<std::string, int64_t>;  // id, trial

  /// Starts a journal, or goes on with one of the same manifest. Errors: another process has it, the manifests differ
  /// (names the member), a line that is no answer. A last line that was cut is dropped.
  static Result<AnswerJournal> open(const std::string& path, const Json& manifest);

  /// What was found and what was added since; the last answer to an item counts.
  const std::map<Key, Answer>& answers() const { return answers_; }
  /// Returns when the answer is on disk.
  Status add(Answer answer);

 private:
  AnswerJournal(std::string path, LineFile file) : path_(std::move(path)), file_(std::move(file)) {}
  Status load(const Json& manifest);

  std::string path_;
  LineFile file_;
  std::map<Key, Answer> answers_;
};

/// Path of the first member that differs, with both values; empty if none does.
std::string first_difference(const Json& before, const Json& now);

}  // namespace drawbridge
