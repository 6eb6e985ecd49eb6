#include "server/answers.h"

namespace drawbridge {
namespace {

constexpr auto kKeepAlivePeriod = std::chrono::seconds(15);

}  // namespace

Answers::Answers(Engine& engine, Metrics& metrics)
    : engine_(engine), metrics_(metrics), worker_(kKeepAlivePeriod, [this] {
        for (const auto& answer : open_) answer->keep_alive();
      }) {}

Answers::~Answers() {
  fail_all({503, "the server has stopped", "server_error", std::nullopt, "unavailable"});
  worker_.flush();
  engine_.drain();
}

void Answers::start(Call call, AnswerForm form, std::vector<AnswerPart> parts) {
  {
    const std::lock_guard lock(mutex_);
    ++n_open_;
  }
  const auto answer = std::make_shared<Answer>(engine_, metrics_, std::move(call), std::move(form), std::move(parts));
  worker_.post([this, answer] { open(answer); });
}

/// On the worker: outputs that come while the answer is still being submitted wait behind this.
void Answers::open(const std::shared_ptr<Answer>& answer) {
  open_.insert(answer);
  answer->start([this, answer](size_t part, const Output& output, std::chrono::steady_clock::time_point when) {
    worker_.post([this, answer, part, output, when] {
      answer->take(part, output, when);
      if (answer->ended()) close(answer);
    });
  });
  if (answer->ended()) close(answer);
}

void Answers::close(const std::shared_ptr<Answer>& answer) {
  if (open_.erase(answer) == 0) return;
  const std::lock_guard lock(mutex_);
  if (--n_open_ == 0) idle_.notify_all();
}

void Answers::fail_all(const ApiError& error) {
  worker_.post([this, error] {
    const auto all = open_;
    for (const auto& answer : all) {
      answer->fail(error);
      close(answer);
    }
  });
}

size_t Answers::n_open() {
  const std::lock_guard lock(mutex_);
  return n_open_;
}

bool Answers::wait_idle(std::chrono::milliseconds grace) {
  std::unique_lock lock(mutex_);
  return idle_.wait_for(lock, grace, [&] { return n_open_ == 0; });
}

}  // namespace drawbridge
