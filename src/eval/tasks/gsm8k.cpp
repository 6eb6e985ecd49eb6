#include "eval/tasks/gsm8k.h"

#include "base/json_members.h"
#include "eval/python_random.h"
#include "eval/tasks/number_filters.h"

namespace drawbridge {
namespace {

constexpr int64_t kVersion = 3;  // of lm-eval's task
constexpr const char* kBetween = "\n\n";

struct Problem {
  std::string question;
  std::string answer;

  std::string text() const { return "Question: " + question + "\nAnswer:"; }
};

Result<std::vector<Problem>> read_problems(const DataFile& file) {
  DB_ASSIGN(const std::vector<DataLine> lines, parse_json_lines(file));
  std::vector<Problem> problems;
  for (const DataLine& line : lines) {
    Problem problem;
    DB_ASSIGN(problem.question, string_member(line.object, "question", line.source));
    DB_ASSIGN(problem.answer, string_member(line.object, "answer", line.source));
    if (problem.answer.find("#### ") == std::string::npos) {
      return fail(Code::kCorrupt, "{}: answer: wanted its result after \"#### \", found none", line.source);
    }
    problems.push_back(std::move(problem));
  }
  return problems;
}

std::string completion_prompt(const std::vector<const Problem*>& shots, const Problem& problem) {
  std::string prompt;
  for (const Problem* shot : shots) prompt += shot->text() + " " + shot->answer + kBetween;
  return prompt + problem.text();
}

Json multiturn_messages(const std::vector<const Problem*>& shots, const Problem& problem) {
  Json messages = Json::array();
  for (const Problem* shot : shots) {
    messages.push_back({{"role", "user"}, {"content", shot->text()}});
    messages.push_back({{"role", "assistant"}, {"content", shot->answer}});
  }
  messages.push_back({{"role", "user"}, {"content", problem.text()}});
  return messages;
}

EvalItem make_item(const std::vector<const Problem*>& shots, const Problem& problem, PromptForm form) {
  EvalItem item;
  item.expected = problem.answer;
  if (form == PromptForm::kMultiturn) {
    item.messages = multiturn_messages(shots, problem);
  } else if (form == PromptForm::kChat) {
    item.messages = Json::array({{{"role", "user"}, {"content", completion_prompt(shots, problem)}}});
  } else {
    item.prompt = completion_prompt(shots, problem);
  }
  return item;
}

const char* form_name(PromptForm form) {
  switch (form) {
    case PromptForm::kCompletion:
      return "completion";
    case PromptForm::kChat:
      return "chat";
    case PromptForm::kMultiturn:
      return "multiturn";
  }
  return "unknown";
}

Result<std::vector<Problem>> read_examples(const DataFile* file, int64_t n_shot) {
  if (n_shot == 0) return std::vector<Problem>();
  if (file == nullptr) {
    return fail(Code::kInvalidArgument,
                "--fewshot: {} examples are wanted and no file to draw them from is given; name "
                "GSM8K's train.jsonl, or ask with --shots 0",
                n_shot);
  }
  DB_ASSIGN(std::vector<Problem> examples, read_problems(*file));
  if (static_cast<int64_t>(examples.size()) >= n_shot) return examples;
  return fail(Code::kOutOfRange, "{}: wanted at least {} examples (--shots), found {}", file->path, n_shot,
              examples.size());
}

}  // namespace

Result<EvalTask> make_gsm8k_task(const DataFile& questions, const DataFile* examples, const Gsm8kOptions& options) {
  if (options.n_shot < 0) return fail(Code::kInvalidArgument, "--shots: wanted 0 or more, found {}", options.n_shot);
  DB_ASSIGN(const std::vector<Problem> pool, read_examples(examples, options.n_shot));
  DB_ASSIGN(const std::vector<Problem> problems, read_problems(questions));
  EvalTask task;
  task.name = "gsm8k";
  task.version = kVersion;
  task.n_shot = options.n_shot;
  task.stop = {"Question:", "</s>", "<|im_end|>"};
  task.filters = {strict_match_filter(), flexible_extract_filter()};
  task.manifest = {{"data", questions.describe()}, {"form", form_name(options.form)}};
  if (options.n_shot > 0) {
    task.manifest["fewshot"] = examples->describe();
    task.manifest["fewshot_seed"] = options.fewshot_seed;
  }
  PythonRandom random(options.fewshot_seed);
  for (size_t i = 0; i < problems.size(); ++i) {
    std::vector<const Problem*> shots;
    for (const size_t s : random.sample(pool.size(), static_cast<size_t>(options.n_shot))) shots.push_back(&pool[s]);
    task.items.push_back(make_item(shots, problems[i], options.form));
    task.items.back().id = fmt::format("gsm8k-{}", i);
  }
  return task;
}

}  // namespace drawbridge
