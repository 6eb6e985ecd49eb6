#include "engine/generate.h"

#include <future>

namespace drawbridge {

const char* finish_reason_name(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kCancelled:
      return "cancelled";
    case FinishReason::kError:
      return "error";
  }
  return "unknown";
}

Result<Completion> generate(Engine& engine, GenerateRequest request,
                            const std::function<void(const std::string&)>& on_text) {
  Completion completion;
  std::promise<void> ended;
  const auto sink = [&](const Output& output) {
    if (output.token) completion.tokens.push_back(*output.token);
    completion.text += output.text;
    if (on_text && !output.text.empty()) on_text(output.text);
    if (!output.finish) return;
    completion.finish = *output.finish;
    ended.set_value();
  };
  DB_TRY(engine.submit(std::move(request), sink).status());
  ended.get_future().wait();
  if (completion.finish.reason == FinishReason::kError) return completion.finish.error;
  return completion;
}

}  // namespace drawbridge
