#include <algorithm>

#include "base/json_members.h"
#include "eval/tau2/grade.h"
#include "eval/tau2/import.h"

namespace drawbridge::tau2 {
namespace {

/// pydantic ends each of its errors by the value that it saw and an address of its manual: neither is ours.
std::string without_pydantic_ends(std::string text) {
  for (size_t at = text.find(", input_value="); at != std::string::npos; at = text.find(", input_value=", at)) {
    const size_t end = text.find(", input_type=", at);
    if (end == std::string::npos) break;
    text.erase(at, end - at);
  }
  const std::string link = "\n    For further information";
  for (size_t at = text.find(link); at != std::string::npos; at = text.find(link, at)) {
    text.erase(at, std::min(text.find('\n', at + 1), text.size()) - at);
  }
  return text;
}

std::vector<const Message*> answers_in(const std::vector<Message>& conversation) {
  std::vector<const Message*> answers;
  for (const Message& message : conversation) {
    if (message.speaker == Speaker::kTool) answers.push_back(&message);
  }
  return answers;
}

/// Compares one simulation.
class Comparison {
 public:
  Comparison(Regrade& regrade, std::string simulation) : regrade_(regrade), simulation_(std::move(simulation)) {}

  void compare_answers(const Task& task, const Environment& fresh, const std::vector<Message>& conversation) {
    const std::vector<const Message*> answers = answers_in(conversation);
    const size_t n_written = answers_in(task.history).size();  // by the task's author, not by an environment
    size_t at = 0;
    const auto on_reply = [&](const ToolCall& call, const ToolReply& now) {
      if (at >= n_written) compare(call, *answers[at], now);
      ++at;
    };
    const Result<Environment> final = final_environment(task, fresh, conversation, on_reply);
    if (!final.ok()) note(final.status().message());
  }

  Status compare_reward(const Json& info, const Grade& grade, const std::string& source) {
    if (!grade.is_complete) {
      ++regrade_.n_partly_graded;
    } else {
      DB_ASSIGN(const double recorded, number_member(info, "reward", source));
      if (recorded != grade.reward) note(fmt::format("reward: recorded {}, now {}", recorded, grade.reward));
    }
    const Json breakdown = info.value("reward_breakdown", Json());
    for (const auto& [reward, met] : grade.checks) {
      const Json recorded = breakdown.is_object() ? breakdown.value(reward_name(reward), Json()) : Json();
      if (recorded.is_number() && recorded != (met ? 1.0 : 0.0)) {
        note(fmt::format("{}: recorded {}, now {}", reward_name(reward), dump_json(recorded), met ? 1 : 0));
      }
    }
    return Status();
  }

 private:
  void compare(const ToolCall& call, const Message& recorded, const ToolReply& now) {
    ++regrade_.n_calls;
    if (recorded.is_error == now.is_error && without_pydantic_ends(recorded.content) == now.content) return;
    note(fmt::format("{}{}: recorded {}, now {}", call.name, dump_json(call.arguments), recorded.content, now.content));
  }

  void note(std::string what) { regrade_.disagreements.push_back({simulation_, std::move(what)}); }

  Regrade& regrade_;
  std::string simulation_;
};

/// Whether the conversation is whole: each of its calls was answered.
bool is_whole(const std::string& ending) {
  return ending == "user_stop" || ending == "agent_stop" || ending == "max_steps" || ending == "too_many_errors";
}

Status regrade_one(const Json& json, const std::vector<Task>& tasks, const Environment& fresh,
                   const std::string& source, Regrade& regrade) {
  DB_ASSIGN(const std::string id, string_member(json, "task_id", source));
  DB_ASSIGN(const std::string ending, string_member(json, "termination_reason", source));
  const auto task = std::find_if(tasks.begin(), tasks.end(), [&, &id = id](const Task& one) { return one.id == id; });
  if (task == tasks.end()) return fail(Code::kCorrupt, "{}: task_id: there is no task \"{}\"", source, id);
  if (!is_whole(ending)) {
    ++regrade.n_broken;
    return Status();
  }
  DB_ASSIGN(const Json* messages, member(json, "messages", source));
  DB_ASSIGN(const std::vector<Message> conversation, conversation_from_json(*messages, source + ": messages"));
  ++regrade.n_simulations;
  Comparison comparison(regrade, fmt::format("task {}, trial {}", id, dump_json(json.value("trial", Json(0)))));
  comparison.compare_answers(*task, fresh, conversation);
  const Json info = json.value("reward_info", Json());
  if ((ending != "user_stop" && ending != "agent_stop") || !info.is_object()) return Status();
  DB_ASSIGN(const Grade graded, grade(*task, fresh, conversation));
  return comparison.compare_reward(info, graded, source + ": reward_info");
}

}  // namespace

Result<Regrade> regrade_official_results(const Json& results, const Environment& fresh, const std::string& source) {
  DB_ASSIGN(const std::string domain, domain_of(results, source));
  if (domain != fresh.domain().name) {
    return fail(Code::kInvalidArgument, "{}: wanted results of {}, found {}", source, fresh.domain().name, domain);
  }
  DB_ASSIGN(const Json* tasks_json, member(results, "tasks", source));
  DB_ASSIGN(const std::vector<Task> tasks, tasks_from_json(*tasks_json, fresh, source + ": tasks"));
  DB_ASSIGN(const Json* simulations, array_member(results, "simulations", source));
  Regrade regrade;
  for (size_t i = 0; i < simulations->size(); ++i) {
    const std::string where = fmt::format("{}: simulations[{}]", source, i);
    DB_TRY(check_object((*simulations)[i], where));
    DB_TRY(regrade_one((*simulations)[i], tasks, fresh, where, regrade));
  }
  return regrade;
}

}  // namespace drawbridge::tau2
