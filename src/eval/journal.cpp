#include "eval/journal.h"

#include "base/json_members.h"

namespace drawbridge {
namespace {

constexpr const char* kFormat = "drawbridge-eval-journal-1";
constexpr size_t kMaxBytes = 1u << 30;
constexpr JsonLimits kLineLimits = {
    .max_bytes = 64u << 20, .max_depth = 64, .max_keys_per_object = 1024, .max_keys = 65536};

Json answer_to_json(const Answer& answer) {
  return {{"id", answer.id},
          {"trial", answer.trial},
          {"status", item_status_name(answer.status)},
          {"text", answer.text},
          {"reasoning", answer.reasoning},
          {"error", answer.error},
          {"n_prompt", answer.n_prompt},
          {"n_completion", answer.n_completion}};
}

Result<Answer> answer_from_json(const Json& json, const std::string& source) {
  Answer answer;
  DB_ASSIGN(answer.id, string_member(json, "id", source));
  DB_ASSIGN(answer.trial, count_member(json, "trial", source));
  DB_ASSIGN(answer.status, status_member(json, source));
  DB_ASSIGN(answer.text, string_member(json, "text", source));
  DB_ASSIGN(answer.reasoning, string_member(json, "reasoning", source));
  DB_ASSIGN(answer.error, string_member(json, "error", source));
  DB_ASSIGN(answer.n_prompt, count_member(json, "n_prompt", source));
  DB_ASSIGN(answer.n_completion, count_member(json, "n_completion", source));
  return answer;
}

std::string shown(const Json* value) {
  return value == nullptr ? "nothing" : dump_json(*value).substr(0, 120);
}

const Json* find(const Json& object, const std::string& key) {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

/// `path` names the values in the message.
std::string difference(const std::string& path, const Json* before, const Json* now) {
  if (before != nullptr && now != nullptr) {
    if (*before == *now) return {};
    if (before->is_object() && now->is_object()) {
      for (const Json* side : {before, now}) {
        for (const auto& [key, value] : side->items()) {
          std::string found = difference(path.empty() ? key : path + "." + key, find(*before, key), find(*now, key));
          if (!found.empty()) return found;
        }
      }
      return {};  // the same members in another order
    }
  }
  return fmt::format("{}: the journal has {}, this run {}", path, shown(before), shown(now));
}

}  // namespace

std::string first_difference(const Json& before, const Json& now) {
  return difference("", &before, &now);
}

Result<AnswerJournal> AnswerJournal::open(const std::string& path, const Json& manifest) {
  DB_ASSIGN(LineFile file, LineFile::open(path, kMaxBytes));
  AnswerJournal journal(path, std::move(file));
  DB_TRY(journal.load(manifest));
  return journal;
}

Status AnswerJournal::load(const Json& manifest) {
  const std::string text = file_.take_text();
  if (text.empty()) return file_.append(dump_json(Json{{"format", kFormat}, {"manifest", manifest}}));
  int64_t number = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    const std::string source = fmt::format("{}:{}", path_, ++number);
    DB_ASSIGN(const Json line, parse_json(std::string_view(text).substr(at, end - at), source, kLineLimits));
    at = end + 1;
    if (number > 1) {
      DB_ASSIGN(Answer answer, answer_from_json(line, source));
      const Key key(answer.id, answer.trial);
      answers_[key] = std::move(answer);
      continue;
    }
    DB_ASSIGN(const std::string format, string_member(line, "format", source));
    if (format != kFormat) return fail(Code::kCorrupt, "{}: format: wanted \"{}\", found another", source, kFormat);
    DB_ASSIGN(const Json* before, member(line, "manifest", source));
    if (const std::string found = first_difference(*before, manifest); !found.empty()) {
      return fail(Code::kAlreadyExists, "{}: belongs to another run: {}; give another --out", path_, found);
    }
  }
  return Status();
}

Status AnswerJournal::add(Answer answer) {
  DB_TRY(file_.append(dump_json(answer_to_json(answer))));
  const Key key(answer.id, answer.trial);
  answers_[key] = std::move(answer);
  return Status();
}

}  // namespace drawbridge
