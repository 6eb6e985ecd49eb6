#include "eval/tau2/simulation.h"

#include <algorithm>

#include "base/json_members.h"
#include "eval/tau2/grade.h"

namespace drawbridge::tau2 {
namespace {

// A reply is measured before it is parsed again: conversations nest no deeper than the arguments in them.
constexpr JsonLimits kConversationLimits = {
    .max_bytes = 64u << 20, .max_depth = 80, .max_keys_per_object = 1024, .max_keys = 1u << 20};

const Task* find_task(const Simulation& simulation, const std::string& id) {
  const auto& tasks = simulation.data.tasks;
  const auto found = std::find_if(tasks.begin(), tasks.end(), [&](const Task& task) { return task.id == id; });
  return found == tasks.end() ? nullptr : &*found;
}

std::string basis_text(const Task& task) {
  if (!task.criteria) return "no criteria";
  std::vector<std::string> names;
  for (const Reward reward : task.criteria->basis) names.push_back(reward_name(reward));
  return fmt::format("{}", fmt::join(names, " "));
}

Json episode_to_json(const Episode& episode) {
  Json messages = Json::array();
  for (const Message& message : episode.conversation) messages.push_back(message_to_json(message));
  return {{"termination_reason", termination_name(episode.termination)},
          {"error", episode.error},
          {"messages", std::move(messages)}};
}

Result<ScoredAnswer> score_text(const Simulation& simulation, const EvalItem& item, const std::string& text) {
  const Task* task = find_task(simulation, item.prompt);
  if (task == nullptr) return fail(Code::kNotFound, "no task \"{}\"", item.prompt);
  DB_ASSIGN(const Json json, parse_json(text, "conversation", kConversationLimits));
  DB_ASSIGN(const std::string ending, string_member(json, "termination_reason", "conversation"));
  if (ending != termination_name(Termination::kUserStop)) return ScoredAnswer{ending, 0};
  DB_ASSIGN(const Json* messages, member(json, "messages", "conversation"));
  DB_ASSIGN(const std::vector<Message> conversation, conversation_from_json(*messages, "conversation"));
  DB_ASSIGN(const Grade graded, grade(*task, simulation.data.fresh, conversation));
  return ScoredAnswer{ending + " " + graded.summary(), graded.reward};
}

Json task_manifest(const Simulation& simulation) {
  const SimulationOptions& o = simulation.options;
  return {{"domain", o.domain},
          {"split", o.split},
          {"data_sha256", simulation.data.digests},
          {"prompts_sha256", simulation.prompts.sha256},
          {"max_steps", o.limits.max_steps},
          {"max_errors", o.limits.max_errors},
          {"user_temperature", o.user_temperature},
          {"user_max_tokens", o.user_max_tokens}};
}

class SimulationTarget : public ChatTarget {
 public:
  SimulationTarget(std::shared_ptr<const Simulation> simulation, ChatTarget& agent, ChatTarget& user)
      : simulation_(std::move(simulation)), agent_(agent), user_(user) {}

  Result<ChatReply> chat(const ChatCall& call) override {
    const Task* task = find_task(*simulation_, call.prompt);
    if (task == nullptr) return fail(Code::kNotFound, "no task \"{}\"", call.prompt);
    DB_ASSIGN(Environment environment, initial_environment(*task, simulation_->data.fresh));
    const Episode episode =
        play(*task, environment, agent_for(call), user_for(*task, call), simulation_->options.limits);
    if (!episode.failure.ok()) return episode.failure;
    ChatReply reply;
    reply.text = dump_json(episode_to_json(episode));
    reply.truncated = episode.termination == Termination::kMaxSteps;
    reply.n_prompt = episode.n_prompt;
    reply.n_completion = episode.n_completion;
    return reply;
  }

  Json manifest() const override { return {{"agent", agent_.manifest()}, {"user", user_.manifest()}}; }

  int64_t n_retries() const override { return agent_.n_retries() + (&user_ == &agent_ ? 0 : user_.n_retries()); }

 private:
  Participant agent_for(const ChatCall& call) const {
    return {.target = &agent_,
            .system_prompt = agent_system_prompt(simulation_->prompts, simulation_->data),
            .tools = simulation_->prompts.agent_tools,
            .max_tokens = call.max_tokens,
            .temperature = call.temperature,
            .top_p = call.top_p,
            .enable_thinking = call.enable_thinking,
            .seed = call.seed};
  }

  Participant user_for(const Task& task, const ChatCall& call) const {
    return {.target = &user_,
            .system_prompt = user_system_prompt(simulation_->data, task),
            .tools = user_tools_of(simulation_->prompts, task),
            .max_tokens = simulation_->options.user_max_tokens,
            .temperature = simulation_->options.user_temperature,
            .seed = call.seed};
  }

  std::shared_ptr<const Simulation> simulation_;
  ChatTarget& agent_;
  ChatTarget& user_;
};

/// Leaves out, lets stand or refuses the tasks that need a judge.
Status treat_judged(const SimulationOptions& options, std::vector<Task>& tasks) {
  const auto n_judged = std::count_if(tasks.begin(), tasks.end(), [](const Task& task) { return task.needs_judge(); });
  if (n_judged == 0 || options.judged == JudgedTasks::kPartial) return Status();
  if (options.judged == JudgedTasks::kRefuse) {
    return fail(Code::kUnsupported,
                "{} of {} tasks have assertions in natural language in their reward, which need a judge that "
                "there is none of here: leave them out with --nl-assertions exclude, or score them by the rest of "
                "their reward with --nl-assertions ignore",
                n_judged, tasks.size());
  }
  tasks.erase(std::remove_if(tasks.begin(), tasks.end(), [](const Task& task) { return task.needs_judge(); }),
              tasks.end());
  if (!tasks.empty()) return Status();
  return fail(Code::kNotFound, "no task is left without assertions in natural language");
}

}  // namespace

Result<std::shared_ptr<const Simulation>> load_simulation(const SimulationOptions& options) {
  DB_ASSIGN(DataSet data, load_data_set(options.directory, options.domain, options.split));
  DB_TRY(treat_judged(options, data.tasks));
  Prompts prompts = built_in_prompts(data.fresh.domain());
  if (!options.prompts_path.empty()) {
    DB_ASSIGN(prompts, read_prompts(options.prompts_path, data.fresh.domain()));
  }
  return std::make_shared<const Simulation>(Simulation{options, std::move(data), std::move(prompts)});
}

EvalTask make_simulation_task(std::shared_ptr<const Simulation> simulation) {
  EvalTask task;
  task.name = "tau2_" + simulation->options.domain;
  task.metric = "reward";
  task.max_tokens = simulation->options.agent_max_tokens;
  task.temperature = simulation->options.agent_temperature;
  task.manifest = task_manifest(*simulation);
  for (const Task& one : simulation->data.tasks) {
    EvalItem item;
    item.id = one.id;
    item.cluster = one.id;
    item.prompt = one.id;
    item.expected = basis_text(one);
    task.items.push_back(std::move(item));
  }
  const bool is_partial = simulation->options.judged == JudgedTasks::kPartial;
  task.filters = {{is_partial ? "without-nl-assertions" : "none",
                   [simulation](const EvalItem& item, const std::string& text) -> ScoredAnswer {
                     const Result<ScoredAnswer> scored = score_text(*simulation, item, text);
                     return scored.ok() ? *scored : ScoredAnswer{scored.status().message(), 0};
                   }}};
  return task;
}

std::unique_ptr<ChatTarget> make_simulation_target(std::shared_ptr<const Simulation> simulation, ChatTarget& agent,
                                                   ChatTarget& user) {
  return std::make_unique<SimulationTarget>(std::move(simulation), agent, user);
}

}  // namespace drawbridge::tau2
