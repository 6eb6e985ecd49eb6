#include "load/answer_reader.h"

#include "base/json.h"
#include "base/json_path.h"
#include "base/printable.h"
#include "load/stream_event.h"

namespace drawbridge {
namespace {

constexpr size_t kMaxHeaderBytes = 64 << 10;
constexpr size_t kMaxErrorBody = 64 << 10;
constexpr size_t kMaxMessage = 300;

std::string shown(const std::string& text) {
  return printable(text.substr(0, kMaxMessage));
}

/// The server's own words where it sent an error in OpenAI's shape.
std::string http_error(int status, const std::string& body) {
  std::string message;
  if (const auto json = parse_json(body, "error body"); json.ok()) {
    message = text_at(*json, {"error", "message"});
    if (message.empty()) message = text_at(*json, {"message"});
  }
  return fmt::format("HTTP {}: {}", status, shown(message.empty() ? body : message));
}

}  // namespace

AnswerReader::AnswerReader(const StreamClientOptions& options, const StreamClient::OnPiece& on_piece)
    : options_(options), on_piece_(on_piece), parser_(kMaxHeaderBytes, false), events_(options.max_event_bytes) {}

void AnswerReader::feed(std::string_view bytes, double now_s, StreamAnswer& answer) {
  has_begun_ = true;
  const bool had_header = parser_.header_done();
  const Status status = parser_.feed(bytes, body_);
  if (!had_header && parser_.header_done()) {
    answer.record.headers_s = now_s;
    answer.record.http_status = parser_.status();
    const std::string* type = find_header(parser_.headers(), "content-type");
    is_stream_ = parser_.status() == 200 && type != nullptr && type->starts_with("text/event-stream");
  }
  // What came before the bad bytes is part of the answer.
  if (is_stream_) take_body(now_s, answer);
  if (body_.size() > kMaxErrorBody) body_.resize(kMaxErrorBody);
  if (!status.ok() && answer.record.error.empty()) answer.record.error = status.message();
}

void AnswerReader::feed_end(StreamAnswer& answer) {
  const Status status = parser_.feed_end();
  if (!status.ok() && answer.record.error.empty()) answer.record.error = status.message();
}

bool AnswerReader::keeps_alive() const {
  if (!parser_.done()) return false;
  const std::string* connection = find_header(parser_.headers(), "connection");
  const bool has_end = find_header(parser_.headers(), "content-length") != nullptr ||
                       find_header(parser_.headers(), "transfer-encoding") != nullptr;
  return has_end && (connection == nullptr || *connection != "close");
}

void AnswerReader::take_body(double now_s, StreamAnswer& answer) {
  event_buffer_.clear();
  const Status status = events_.feed(body_, event_buffer_);
  body_.clear();
  for (const SseEvent& event : event_buffer_) {
    if (answer.record.error.empty()) take_event(event.data, now_s, answer);
  }
  if (!status.ok() && answer.record.error.empty()) answer.record.error = status.message();
}

void AnswerReader::take_event(std::string_view data, double now_s, StreamAnswer& answer) {
  RequestRecord& record = answer.record;
  if (data == "[DONE]") {
    has_done_mark_ = true;
    return;
  }
  const StreamEvent event = read_stream_event(data);
  if (!event.is_json) {
    record.error = fmt::format("bad event: wanted JSON, found {}", shown(std::string(data.substr(0, kMaxMessage))));
    return;
  }
  if (!event.error.empty()) {
    record.error = "error event: " + shown(event.error);
    return;
  }
  const size_t n_bytes = event.text.size() + event.other.size();
  if (n_bytes > 0) {
    if (record.pieces.empty()) record.first_token_s = now_s;
    record.pieces.push_back({now_s, static_cast<int32_t>(n_bytes)});
    if (on_piece_) on_piece_(record.pieces.back());
    answer.text += event.text;
    answer.other += event.other;
    if (answer.text.size() + answer.other.size() > options_.max_answer_bytes) {
      record.error = fmt::format("the answer is larger than the limit of {} bytes", options_.max_answer_bytes);
    }
  }
  if (!event.finish_reason.empty()) record.finish_reason = event.finish_reason;
  if (event.n_prompt >= 0) record.n_prompt_reported = event.n_prompt;
  if (event.n_cached >= 0) record.n_cached_reported = event.n_cached;
  if (event.n_output >= 0) record.n_output_reported = event.n_output;
}

void AnswerReader::judge(RequestRecord& record) const {
  if (!record.error.empty()) return;
  if (record.http_status != 200) {
    record.error = http_error(record.http_status, body_);
  } else if (!is_stream_) {
    record.error = "no stream: the server answered with a body that is not text/event-stream";
  } else if (!has_done_mark_) {
    record.error = "no [DONE]: the stream ended without it";
  } else if (record.finish_reason.empty()) {
    record.error = "no finish_reason: the stream ended without one";
  } else if (record.pieces.empty()) {
    record.error = "empty answer: no text, reasoning or tool call came";
  }
}

}  // namespace drawbridge
