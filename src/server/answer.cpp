#include "server/answer.h"

#include <utility>

namespace drawbridge {
namespace {

double seconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

Answer::Answer(Engine& engine, Metrics& metrics, Call call, AnswerForm form, std::vector<AnswerPart> parts)
    : engine_(engine), metrics_(metrics), call_(std::move(call)), form_(std::move(form)), n_open_(parts.size()) {
  for (AnswerPart& part : parts) parts_.push_back({std::move(part), 0, {}, {}, std::nullopt});
  const Json head = {
      {"id", form_.id}, {"object", form_.chunk_object}, {"created", form_.created}, {"model", form_.model}};
  chunk_head_ = dump_json(head);
  chunk_head_.back() = ',';
}

void Answer::start(const Forward& forward) {
  std::vector<RequestId> ids;
  for (size_t i = 0; i < parts_.size(); ++i) {
    const auto sink = [forward, i](const Output& output) { forward(i, output, std::chrono::steady_clock::now()); };
    const auto id = engine_.submit(std::move(parts_[i].plan.request), sink);
    if (!id.ok()) {
      return fail(id.status());
    }
    parts_[i].id = *id;
    ids.push_back(*id);
  }
  streaming_ = form_.stream;
  if (streaming_) call_.start_events(form_.headers);
  call_.on_disconnect([&engine = engine_, ids] {
    for (const RequestId id : ids) engine.cancel(id);
  });
}

void Answer::take(size_t index, const Output& output, std::chrono::steady_clock::time_point when) {
  Part& part = parts_[index];
  measure(part, output, when);
  if (ended_) return;
  if (output.finish) {
    part.usage = output.finish->usage;
    --n_open_;
    if (output.finish->reason == FinishReason::kError) return fail(output.finish->error);
    if (output.finish->reason == FinishReason::kCancelled) {  // nobody is there to hear the rest
      ended_ = true;
      return;
    }
  }
  part.plan.choice->push(output);
  if (streaming_) write_chunks(part);
  if (n_open_ == 0) finish();
}

void Answer::measure(Part& part, const Output& output, std::chrono::steady_clock::time_point when) {
  if (output.token) {
    const bool first = part.last_token == std::chrono::steady_clock::time_point();
    if (first) {
      part.first_token = when;
      metrics_.first_token(seconds(when - call_.arrival()));
    } else {
      metrics_.next_token(seconds(when - part.last_token));
    }
    part.last_token = when;
  }
  if (output.finish) {
    metrics_.end(*output.finish, seconds(when - call_.arrival()), seconds(when - part.first_token));
  }
}

std::string Answer::event(const std::string& choices, const std::string& usage) const {
  const std::string last = form_.include_usage ? ",\"usage\":" + usage : "";
  return "data: " + chunk_head_ + "\"choices\":[" + choices + "]" + last + "}\n\n";
}

void Answer::write_chunks(Part& part) {
  std::string bytes;
  for (const Json& choice : part.plan.choice->take_chunks()) bytes += event(dump_json(choice), "null");
  if (bytes.empty()) return;
  silent_ = false;
  call_.write(std::move(bytes));
}

void Answer::finish() {
  ended_ = true;
  if (streaming_) {
    std::string bytes = form_.include_usage ? event("", dump_json(usage())) : "";
    call_.write(std::move(bytes) + "data: [DONE]\n\n");
    return call_.end_stream();
  }
  Json choices = Json::array();
  for (Part& part : parts_) choices.push_back(part.plan.choice->take_whole());
  const Json body = {{"id", form_.id},       {"object", form_.object},        {"created", form_.created},
                     {"model", form_.model}, {"choices", std::move(choices)}, {"usage", usage()}};
  call_.respond({200, "application/json", dump_json(body), form_.headers});
}

Json Answer::usage() const {
  Usage total;
  int64_t n_reasoning = 0;
  for (const Part& part : parts_) {
    if (part.plan.first_of_prompt) {
      total.n_prompt += part.usage->n_prompt;
      total.n_cached += part.usage->n_cached;
    }
    total.n_completion += part.usage->n_completion;
    total.busy_s += part.usage->busy_s;
    n_reasoning += part.plan.choice->n_reasoning_tokens();
  }
  Json json = {{"prompt_tokens", total.n_prompt},
               {"completion_tokens", total.n_completion},
               {"total_tokens", total.n_prompt + total.n_completion},
               {"prompt_tokens_details", {{"cached_tokens", total.n_cached}}},
               {"completion_tokens_details", {{"reasoning_tokens", n_reasoning}}}};
  if (form_.price) json["cost"] = machine_dollars(*form_.price, total.busy_s);
  return json;
}

void Answer::fail(const Status& status) {
  const ApiError error = submit_error(status);
  if (error.status == 500) call_.log_failure(status);
  fail(error);
}

void Answer::fail(const ApiError& error) {
  if (std::exchange(ended_, true)) return;
  for (const Part& part : parts_) {
    if (!part.usage) engine_.cancel(part.id);  // a part that was never submitted has an id that nobody has
  }
  if (!streaming_) return call_.refuse(error);
  call_.write("data: " + dump_json(error_body(error)) + "\n\n");
  call_.end_stream();
}

void Answer::keep_alive() {
  if (streaming_ && !ended_ && std::exchange(silent_, true)) call_.write(": ping\n\n");
}

}  // namespace drawbridge
