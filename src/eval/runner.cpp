#include "eval/runner.h"

#include <atomic>
#include <mutex>
#include <thread>

#include "base/rng.h"
#include "eval/journal.h"

namespace drawbridge {
namespace {

/// A target that refuses this many in a row is gone or asked in a wrong way: the rest need not be tried.
constexpr int64_t kMaxFailuresInARow = 20;

Json manifest_of(const EvalTask& task, const ChatTarget& target, const RunOptions& options) {
  return {{"target", target.manifest()},
          {"task", task.name},
          {"version", task.version},
          {"n_shot", task.n_shot},
          {"n_items", task.items.size()},
          {"task_options", task.manifest},
          {"sampling",
           {{"temperature", task.temperature},
            {"top_p", options.top_p},
            {"max_tokens", task.max_tokens},
            {"stop", task.stop},
            {"seed", options.seed},
            {"thinking", options.enable_thinking}}}};
}

ItemResult score_answer(const EvalItem& item, const Answer& answer, const AnswerFilter& filter) {
  ItemResult result;
  result.id = item.id;
  result.cluster = item.cluster;
  result.trial = item.trial;
  result.status = answer.status;
  result.expected = item.expected;
  result.error = answer.error;
  result.n_prompt = answer.n_prompt;
  result.n_completion = answer.n_completion;
  ScoredAnswer scored = filter.score(item, answer.text);
  result.answer = std::move(scored.answer);
  if (answer.status == ItemStatus::kAnswered) result.score = scored.score;
  return result;
}

class Run {
 public:
  Run(const EvalTask& task, ChatTarget& target, const RunOptions& options, AnswerJournal& journal)
      : task_(task), target_(target), options_(options), journal_(journal) {}

  /// Items that the journal has no answer to, in order.
  void find_pending() {
    for (const EvalItem& item : task_.items) {
      const auto found = journal_.answers().find({item.id, item.trial});
      const bool answered =
          found != journal_.answers().end() && !(options_.retry_failed && found->second.status == ItemStatus::kFailed);
      if (answered) {
        count(item, found->second);
      } else {
        pending_.push_back(&item);
      }
    }
    progress_.n_total = static_cast<int64_t>(task_.items.size());
    n_resumed_ = progress_.n_done;
  }

  Status ask_all() {
    tell();
    std::vector<std::thread> threads;
    const size_t n_threads = std::min(pending_.size(), static_cast<size_t>(options_.n_concurrent));
    for (size_t i = 0; i < n_threads; ++i) threads.emplace_back([this] { ask_some(); });
    for (std::thread& thread : threads) thread.join();
    return error_;
  }

  int64_t n_resumed() const { return n_resumed_; }
  bool whole() const { return progress_.n_done == progress_.n_total; }

 private:
  void ask_some() {
    while (!ended_ && !(options_.should_stop && options_.should_stop())) {
      const size_t mine = next_++;
      if (mine >= pending_.size()) return;
      const Result<ChatReply> reply = target_.chat(call_for(*pending_[mine]));
      take_reply(*pending_[mine], reply);
    }
  }

  ChatCall call_for(const EvalItem& item) const {
    ChatCall call;
    call.messages = item.messages;
    call.prompt = item.prompt;
    call.max_tokens = task_.max_tokens;
    call.temperature = task_.temperature;
    call.top_p = options_.top_p;
    call.seed = item_seed(options_.seed, item.id, item.trial);
    call.stop = task_.stop;
    call.enable_thinking = options_.enable_thinking;
    return call;
  }

  void take_reply(const EvalItem& item, const Result<ChatReply>& reply) {
    const std::lock_guard lock(mutex_);
    if (!reply.ok() && reply.status().code() == Code::kCancelled) return;
    Answer answer;
    answer.id = item.id;
    answer.trial = item.trial;
    if (reply.ok()) {
      answer.status = reply->truncated ? ItemStatus::kTruncated : ItemStatus::kAnswered;
      answer.text = reply->text;
      answer.reasoning = reply->reasoning;
      answer.n_prompt = reply->n_prompt;
      answer.n_completion = reply->n_completion;
    } else {
      answer.status = ItemStatus::kFailed;
      answer.error = reply.status().message();
    }
    count(item, answer);
    keep(std::move(answer));
    tell();
  }

  void count(const EvalItem& item, const Answer& answer) {
    ++progress_.n_done;
    progress_.n_failed += answer.status == ItemStatus::kFailed ? 1 : 0;
    progress_.n_truncated += answer.status == ItemStatus::kTruncated ? 1 : 0;
    total_score_ += score_answer(item, answer, task_.filters.front()).score;
    progress_.score = total_score_ / static_cast<double>(progress_.n_done);
  }

  void keep(Answer answer) {
    n_failed_in_a_row_ = answer.status == ItemStatus::kFailed ? n_failed_in_a_row_ + 1 : 0;
    const std::string last_error = answer.error;
    Status status = journal_.add(std::move(answer));
    if (status.ok() && n_failed_in_a_row_ >= kMaxFailuresInARow) {
      status =
          fail(Code::kUnavailable, "{} items in a row got no answer (ask them again with --retry-failed); the last: {}",
               n_failed_in_a_row_, last_error);
    }
    if (status.ok()) return;
    if (error_.ok()) error_ = status;
    ended_ = true;
  }

  void tell() const {
    if (options_.on_progress) options_.on_progress(progress_);
  }

  const EvalTask& task_;
  ChatTarget& target_;
  const RunOptions& options_;
  std::vector<const EvalItem*> pending_;
  int64_t n_resumed_ = 0;
  std::atomic<size_t> next_ = 0;
  std::atomic<bool> ended_ = false;

  std::mutex mutex_;  // guards what follows while threads run
  AnswerJournal& journal_;
  RunProgress progress_;
  double total_score_ = 0;
  int64_t n_failed_in_a_row_ = 0;
  Status error_;
};

std::vector<TaskResult> score_all(const EvalTask& task, const AnswerJournal& journal) {
  std::vector<TaskResult> results;
  for (const AnswerFilter& filter : task.filters) {
    TaskResult result{task.name, task.version, filter.name, task.n_shot, task.metric, {}};
    for (const EvalItem& item : task.items) {
      const auto found = journal.answers().find({item.id, item.trial});
      if (found != journal.answers().end()) result.items.push_back(score_answer(item, found->second, filter));
    }
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace

uint64_t item_seed(uint64_t seed, const std::string& id, int64_t trial) {
  uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  for (const char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  constexpr int kNotInADouble = 11;  // servers that read JSON numbers as doubles keep 53 bits
  return bits_at(bits_at(seed, hash), static_cast<uint64_t>(trial)) >> kNotInADouble;
}

Result<RunOutcome> run_task(const EvalTask& task, ChatTarget& target, const RunOptions& options) {
  const Json manifest = manifest_of(task, target, options);
  DB_ASSIGN(AnswerJournal journal, AnswerJournal::open(options.journal_path, manifest));
  Run run(task, target, options, journal);
  run.find_pending();
  DB_TRY(run.ask_all());
  RunOutcome outcome;
  outcome.result.label = options.label;
  outcome.result.manifest = manifest;
  outcome.result.tasks = score_all(task, journal);
  outcome.whole = run.whole();
  outcome.n_resumed = run.n_resumed();
  return outcome;
}

}  // namespace drawbridge
