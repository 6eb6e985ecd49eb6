// Answer: everything that one HTTP request has the engine do, and the events or the one body that come of it.
//
// An answer is owned by Answers while it is open. Threads: the worker of Answers alone, so nothing here is locked;
// what the engine thread hears it only passes on.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "server/call.h"
#include "server/choice.h"
#include "server/live_cost.h"

namespace drawbridge {

/// The envelope of an answer's chunks and of its body.
struct AnswerForm {
  std::string id;            // "chatcmpl-..."
  std::string object;        // "chat.completion"
  std::string chunk_object;  // "chat.completion.chunk"
  std::string model;
  int64_t created = 0;  // Unix seconds
  bool stream = false;
  bool include_usage = false;
  std::optional<MachinePrice> price = std::nullopt;  // for usage.cost; absent: the client did not ask
  HttpHeaders headers;
};

/// One engine request of an answer.
struct AnswerPart {
  GenerateRequest request;
  std::unique_ptr<Choice> choice;
  bool first_of_prompt = true;  // the prompt's tokens count once, however many choices it has
};

class Answer {
 public:
  /// `engine` and `metrics` must outlive this.
  Answer(Engine& engine, Metrics& metrics, Call call, AnswerForm form, std::vector<AnswerPart> parts);

  /// Hears of each output on the engine thread: the index of the part, and the output.
  using Forward = std::function<void(size_t, const Output&, std::chrono::steady_clock::time_point)>;

  /// Submits every part, or none and answers with the error. From then on a vanished client cancels them all.
  void start(const Forward& forward);
  void take(size_t part, const Output& output, std::chrono::steady_clock::time_point when);
  /// Ends it early: with an error event if the stream has begun, otherwise with the error as the answer.
  void fail(const ApiError& error);
  /// A comment that keeps proxies from giving up on a stream that has been silent since the last call.
  void keep_alive();
  bool ended() const { return ended_; }

 private:
  struct Part {
    AnswerPart plan;
    RequestId id = 0;
    std::chrono::steady_clock::time_point first_token;
    std::chrono::steady_clock::time_point last_token;
    std::optional<Usage> usage;  // of an ended part
  };

  void fail(const Status& status);
  void measure(Part& part, const Output& output, std::chrono::steady_clock::time_point when);
  void write_chunks(Part& part);
  void finish();
  Json usage() const;
  std::string event(const std::string& choices, const std::string& usage) const;

  Engine& engine_;
  Metrics& metrics_;
  Call call_;
  AnswerForm form_;
  std::vector<Part> parts_;
  std::string chunk_head_;  // of every event, up to the choices
  size_t n_open_;
  bool streaming_ = false;  // the stream's head has gone out
  bool ended_ = false;
  bool silent_ = false;  // nothing written since the last keep_alive
};

}  // namespace drawbridge
