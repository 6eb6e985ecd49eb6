#include "eval/engine_target.h"

#include <future>

#include "eval/digest.h"
#include "text/output_parser.h"

namespace drawbridge {
namespace {

constexpr auto kLookPeriod = std::chrono::milliseconds(50);

/// Adds one event of the parsed answer to the reply; `calls` is its tool calls so far.
void add_event(const OutputEvent& event, ChatReply& reply, Json& calls) {
  switch (event.kind) {
    case OutputEvent::Kind::kReasoning:
      reply.reasoning += event.text;
      break;
    case OutputEvent::Kind::kContent:
      reply.text += event.text;
      break;
    case OutputEvent::Kind::kToolCallStart:
      calls.push_back({{"id", fmt::format("call_{}", event.tool_index)},
                       {"type", "function"},
                       {"function", {{"name", event.text}, {"arguments", ""}}}});
      break;
    case OutputEvent::Kind::kToolArguments: {
      Json& arguments = calls.back()["function"]["arguments"];
      arguments = arguments.get<std::string>() + event.text;
      break;
    }
    case OutputEvent::Kind::kToolCallEnd:
      break;
  }
}

void parse_answer(const ChatCall& call, const std::string& text, ChatReply& reply) {
  OutputParserOptions options;
  options.starts_in_reasoning = call.enable_thinking;
  options.parse_tool_calls = !call.tools.empty();
  options.tools = call.tools;
  OutputParser parser(std::move(options));
  Json calls = Json::array();
  for (const OutputEvent& event : parser.push(text)) add_event(event, reply, calls);
  for (const OutputEvent& event : parser.finish()) add_event(event, reply, calls);
  if (!calls.empty()) reply.tool_calls = std::move(calls);
}

/// Answers do not depend on the number of threads, which ends the description.
std::string kernels_of(const ModelCard& card) {
  return card.backend.substr(0, card.backend.rfind(", "));
}

class EngineTarget : public ChatTarget {
 public:
  EngineTarget(std::unique_ptr<Engine> engine, Json manifest, std::function<bool()> should_stop)
      : manifest_(std::move(manifest)), should_stop_(std::move(should_stop)), engine_(std::move(engine)) {}

  Result<ChatReply> chat(const ChatCall& call) override {
    DB_ASSIGN(GenerateRequest request, make_request(call));
    std::string text;
    std::promise<Finish> ended;
    const auto sink = [&](const Output& output) {
      text += output.text;
      if (output.finish) ended.set_value(*output.finish);
    };
    DB_ASSIGN(const RequestId id, engine_->submit(std::move(request), sink));
    auto end = ended.get_future();
    while (end.wait_for(kLookPeriod) != std::future_status::ready) {
      if (should_stop_ && should_stop_()) engine_->cancel(id);
    }
    const Finish finish = end.get();
    if (finish.reason == FinishReason::kError) return finish.error;
    if (finish.reason == FinishReason::kCancelled) return fail(Code::kCancelled, "the answer was cancelled");
    ChatReply reply;
    reply.truncated = finish.reason == FinishReason::kLength;
    reply.n_prompt = finish.usage.n_prompt;
    reply.n_completion = finish.usage.n_completion;
    if (call.messages.is_null()) {
      reply.text = std::move(text);
    } else {
      parse_answer(call, text, reply);
    }
    return reply;
  }

  Json manifest() const override { return manifest_; }
  std::vector<std::string> notices() const override { return engine_->card().notices; }

 private:
  Result<std::string> prompt_text(const ChatCall& call) const {
    if (call.messages.is_null()) return call.prompt;
    ChatOptions options;
    options.tools = call.tools;
    options.enable_thinking = call.enable_thinking;
    options.chat_template = engine_->card().chat_template;
    return render_glm_chat(call.messages, options);
  }

  Result<GenerateRequest> make_request(const ChatCall& call) const {
    GenerateRequest request;
    DB_ASSIGN(const std::string text, prompt_text(call));
    DB_ASSIGN(request.prompt, engine_->tokenizer().encode(text));
    request.max_tokens = call.max_tokens;
    request.sampling.temperature = call.temperature;
    request.sampling.top_p = call.top_p;
    request.sampling.seed = call.seed;
    request.stop = call.stop;
    return request;
  }

  const Json manifest_;
  const std::function<bool()> should_stop_;
  const std::unique_ptr<Engine> engine_;
};

}  // namespace

Result<std::unique_ptr<ChatTarget>> make_engine_target(const EngineOptions& options,
                                                       std::function<bool()> should_stop) {
  DB_ASSIGN(auto engine, make_engine(options));
  DB_ASSIGN(const std::string hash, model_sha256(options.model));
  const ModelCard& card = engine->card();
  Json manifest = {{"kind", "engine"},
                   {"model", card.name},
                   {"model_sha256", hash},
                   {"numerics", options.numerics},
                   {"activation", card.activation},
                   {"kv_cache_dtype", card.kv_cache_dtype},
                   {"backend", kernels_of(card)}};
  if (options.kv_scale) manifest["kv_scale"] = *options.kv_scale;
  return std::unique_ptr<ChatTarget>(
      std::make_unique<EngineTarget>(std::move(engine), std::move(manifest), std::move(should_stop)));
}

}  // namespace drawbridge
