// A chat with a model in this process: the server's own parsing and shapes, without the network.
#include <future>

#include "cli/chat_source.h"
#include "cli/stop_signal.h"
#include "cli/verbs.h"
#include "server/prepare.h"

namespace drawbridge {
namespace {

constexpr auto kLookPeriod = std::chrono::milliseconds(50);

class LocalChatSource : public ChatSource {
 public:
  explicit LocalChatSource(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}

  Status answer(const Json& body, const OnChoice& on_choice) override {
    DB_ASSIGN(const ChatRequest request, parse_chat_request(body, engine_->card()));
    DB_ASSIGN(PreparedAnswer prepared, prepare_chat(request, *engine_, "local"));
    AnswerPart& part = prepared.parts.front();
    std::promise<Status> ended;
    auto end = ended.get_future();
    const auto sink = [&](const Output& output) {
      const bool whole = !output.finish || output.finish->reason == FinishReason::kStop ||
                         output.finish->reason == FinishReason::kLength;
      if (whole) part.choice->push(output);
      for (const Json& choice : part.choice->take_chunks()) on_choice(choice);
      if (output.finish) ended.set_value(output.finish->error);
    };
    DB_ASSIGN(const RequestId id, engine_->submit(std::move(part.request), sink));
    while (end.wait_for(kLookPeriod) != std::future_status::ready) {
      if (interrupted()) engine_->cancel(id);
    }
    return end.get();
  }

  std::string describe() const override {
    return fmt::format("{}, {}, context {}", engine_->card().name, engine_->card().backend,
                       engine_->card().max_context);
  }

 private:
  std::unique_ptr<Engine> engine_;
};

}  // namespace

Result<std::unique_ptr<ChatSource>> make_local_chat_source(const EngineOptions& options) {
  DB_ASSIGN(auto engine, make_engine(options));
  log_notices(engine->card());
  return std::unique_ptr<ChatSource>(std::make_unique<LocalChatSource>(std::move(engine)));
}

}  // namespace drawbridge
