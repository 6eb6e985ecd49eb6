// EvalTask: the questions of one evaluation, how they are asked, and how an answer is taken out of the text and scored.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "eval/item.h"

namespace drawbridge {

struct ScoredAnswer {
  std::string answer;  // as extracted
  double score = 0;    // 0..1
};

/// One way to take the answer out of the text; every text goes through each filter of its task.
struct AnswerFilter {
  std::string name;
  std::function<ScoredAnswer(const EvalItem& item, const std::string& text)> score;
};

struct EvalTask {
  std::string name;
  int64_t version = 1;
  int64_t n_shot = 0;
  std::string metric = "exact_match";
  std::vector<EvalItem> items;
  std::vector<AnswerFilter> filters;
  std::vector<std::string> stop;
  int64_t max_tokens = 256;  // of an answer
  float temperature = 0;
  Json manifest = Json::object();  // its data files by hash, and its own options
};

/// The first `n` questions, with all their trials; 0: all.
void limit_questions(EvalTask& task, int64_t n);
/// Asks each item `n` times, as trials 0 to n - 1 of one cluster.
void repeat_items(EvalTask& task, int64_t n);

}  // namespace drawbridge
