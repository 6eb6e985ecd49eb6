#include "eval/tasks/gpqa.h"

#include <array>
#include <set>

#include "eval/python_random.h"
#include "eval/tasks/csv.h"

namespace drawbridge {
namespace {

constexpr std::array<const char*, 4> kChoiceColumns = {"Correct Answer", "Incorrect Answer 1", "Incorrect Answer 2",
                                                       "Incorrect Answer 3"};

struct Question {
  std::string id;
  std::string text;
  std::array<std::string, 4> choices;  // the right one first
};

Result<std::vector<Question>> read_questions(const DataFile& file) {
  DB_ASSIGN(const CsvTable table, parse_csv(file.text, file.path));
  DB_ASSIGN(const size_t id, table.column("Record ID", file.path));
  DB_ASSIGN(const size_t text, table.column("Question", file.path));
  std::array<size_t, 4> choices{};
  for (size_t c = 0; c < choices.size(); ++c) {
    DB_ASSIGN(choices[c], table.column(kChoiceColumns[c], file.path));
  }
  std::set<std::string> seen;
  std::vector<Question> questions;
  for (const CsvRow& row : table.rows) {
    Question question{row.fields[id], row.fields[text], {}};
    for (size_t c = 0; c < choices.size(); ++c) question.choices[c] = row.fields[choices[c]];
    for (const std::string* field : {&question.id, &question.text, &question.choices[0]}) {
      if (field->empty()) {
        return fail(Code::kCorrupt, "{}:{}: wanted a record id, a question and an answer, found an empty field",
                    file.path, row.line);
      }
    }
    if (!seen.insert(question.id).second) {
      return fail(Code::kCorrupt, "{}:{}: record \"{}\" stands twice in the file", file.path, row.line, question.id);
    }
    questions.push_back(std::move(question));
  }
  if (questions.empty()) return fail(Code::kCorrupt, "{}: wanted questions, found a heading alone", file.path);
  return questions;
}

EvalItem make_item(const Question& question, const std::vector<size_t>& order) {
  EvalItem item;
  item.id = item.cluster = question.id;
  std::string prompt =
      "Answer the following multiple choice question. The last line of your response should be of the following "
      "format: 'Answer: $LETTER' (without quotes) where LETTER is one of ABCD. Think step by step before answering."
      "\n\n" +
      question.text + "\n";
  for (size_t place = 0; place < order.size(); ++place) {
    const char letter = static_cast<char>('A' + place);
    const std::string& choice = question.choices[order[place]];
    prompt += fmt::format("\n{}) {}", letter, choice);
    // Where two choices read the same, the first of them counts.
    if (item.expected.empty() && choice == question.choices[0]) item.expected = letter;
  }
  item.messages = Json::array({{{"role", "user"}, {"content", prompt}}});
  return item;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool starts_with_answer(std::string_view text) {
  constexpr std::string_view kWord = "answer";
  if (text.size() < kWord.size()) return false;
  for (size_t i = 0; i < kWord.size(); ++i) {
    if (lower(text[i]) != kWord[i]) return false;
  }
  return true;
}

void skip_blanks(std::string_view text, size_t& at) {
  while (at < text.size() && (text[at] == ' ' || text[at] == '\t')) ++at;
}

}  // namespace

std::string choice_letter(std::string_view text) {
  for (size_t start = 0; start < text.size(); ++start) {
    if (!starts_with_answer(text.substr(start))) continue;
    size_t at = start + 6;
    skip_blanks(text, at);
    if (at == text.size() || text[at++] != ':') continue;
    skip_blanks(text, at);
    if (at < text.size() && text[at] == '$') ++at;
    if (at < text.size() && lower(text[at]) >= 'a' && lower(text[at]) <= 'd') return std::string(1, text[at]);
  }
  return {};
}

Result<EvalTask> make_gpqa_task(const DataFile& file, const GpqaOptions& options) {
  if (options.n_trials < 1)
    return fail(Code::kInvalidArgument, "--seeds: wanted 1 or more, found {}", options.n_trials);
  DB_ASSIGN(const std::vector<Question> questions, read_questions(file));
  EvalTask task;
  task.name = "gpqa_diamond";
  task.max_tokens = 4096;
  task.temperature = 1;
  task.manifest = {{"data", file.describe()}, {"trials", options.n_trials}, {"shuffle_seed", options.shuffle_seed}};
  task.filters = {{"answer-letter", [](const EvalItem& item, const std::string& text) {
                     const std::string letter = choice_letter(text);
                     return ScoredAnswer{letter, letter == item.expected ? 1.0 : 0.0};
                   }}};
  PythonRandom random(options.shuffle_seed);
  for (int64_t trial = 0; trial < options.n_trials; ++trial) {
    for (const Question& question : questions) {
      task.items.push_back(make_item(question, random.sample(4, 4)));
      task.items.back().trial = trial;
    }
  }
  return task;
}

}  // namespace drawbridge
