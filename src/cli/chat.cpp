// `drawbridge chat`: a conversation in the terminal, with a model here or on a server.
#include <unistd.h>

#include <iostream>

#include "cli/conversation.h"
#include "cli/stop_signal.h"
#include "cli/verbs.h"

namespace drawbridge {
namespace {

struct ChatVerbOptions {
  EngineOptions engine;
  std::string url;
  std::string model_name;
  std::string api_key;
  bool no_thinking = false;
  ConversationSettings conversation;
};

Status run_chat(const ChatVerbOptions& o) {
  if (o.url.empty() == o.engine.model.empty()) {
    return fail(Code::kInvalidArgument, "chat: wanted either --model DIR or --url URL, found {}",
                o.url.empty() ? "neither" : "both");
  }
  DB_ASSIGN(const auto source,
            o.url.empty() ? make_local_chat_source(o.engine) : make_remote_chat_source(o.url, o.model_name, o.api_key));
  catch_interrupts();
  ConversationSettings settings = o.conversation;
  settings.thinking = !o.no_thinking;
  settings.is_terminal = ::isatty(STDOUT_FILENO) != 0;
  Conversation(*source, settings, std::cin, std::cout).run();
  return Status();
}

}  // namespace

void add_chat(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("chat", "a conversation in the terminal");
  const auto o = std::make_shared<ChatVerbOptions>();
  ConversationSettings& settings = o->conversation;
  add_engine_options(*verb, o->engine)->required(false);
  verb->add_option("--url", o->url, "a server to chat with instead, such as http://127.0.0.1:8000");
  verb->add_option("--served-model-name", o->model_name, "with --url: its model; default: the first it lists");
  verb->add_option("--api-key", o->api_key, "with --url: the server's key");
  verb->add_option("--system", settings.system, "instructions for the model");
  verb->add_flag("--no-thinking", o->no_thinking, "start without reasoning");
  verb->add_option("--max-tokens", settings.max_tokens, "tokens of an answer at most; 0: what fits")
      ->capture_default_str();
  verb->add_option("--temperature", settings.temperature, "0: greedy; default: the model's");
  verb->add_option("--seed", settings.seed, "same seed, same answers");
  verb->callback([o, &action] { action = [o] { return run_chat(*o); }; });
}

}  // namespace drawbridge
