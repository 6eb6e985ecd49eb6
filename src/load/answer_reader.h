// AnswerReader: the bytes of one HTTP response, as they come, to the record of its request. No sockets here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/response_parser.h"
#include "http/sse.h"
#include "load/load_run.h"
#include "load/stream_client.h"

namespace drawbridge {

class AnswerReader {
 public:
  AnswerReader(const StreamClientOptions& options, const StreamClient::OnPiece& on_piece);

  /// Takes bytes that were read at `now_s`.
  void feed(std::string_view bytes, double now_s, StreamAnswer& answer);
  /// The server has closed the connection.
  void feed_end(StreamAnswer& answer);

  /// The response is complete, or it failed in a way that makes the rest of it useless (then record.error is set).
  bool done(const StreamAnswer& answer) const { return parser_.done() || !answer.record.error.empty(); }
  bool has_begun() const { return has_begun_; }
  /// The connection may carry another request.
  bool keeps_alive() const;
  /// Sets record.error unless the answer was whole.
  void judge(RequestRecord& record) const;

 private:
  void take_body(double now_s, StreamAnswer& answer);
  void take_event(std::string_view data, double now_s, StreamAnswer& answer);

  const StreamClientOptions& options_;
  const StreamClient::OnPiece& on_piece_;
  ResponseParser parser_;
  SseParser events_;
  std::string body_;  // unread, or of a response that is no stream
  std::vector<SseEvent> event_buffer_;
  bool has_begun_ = false;
  bool is_stream_ = false;
  bool has_done_mark_ = false;
};

}  // namespace drawbridge
