// ChunkDecoder: the chunked transfer coding (RFC 9112 section 7.1), fed in pieces of any size; for requests and
// responses.
//
// Strict where leniency lets two parsers disagree: lines end in CRLF, sizes are plain hex, data ends where its size
// says. Extensions and trailer fields are checked for their form and dropped. Written by hand: Beast's decoder asserts
// on some cuts of the last chunk, which would let a peer end the process.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace drawbridge {

class ChunkDecoder {
 public:
  /// `max_line_bytes` bounds each chunk header and the whole trailer.
  ChunkDecoder(size_t max_body_bytes, size_t max_line_bytes)
      : max_body_bytes_(max_body_bytes), max_line_bytes_(max_line_bytes) {}

  /// Appends the data in `bytes` to `body`; returns how many bytes were consumed: all of them, unless the end or an
  /// error came first.
  size_t feed(std::string_view bytes, std::string& body);

  bool done() const { return state_ == State::kDone; }
  /// kCorrupt: bad form. kOutOfRange: more data than allowed.
  const Status& error() const { return error_; }

 private:
  enum class State { kSize, kExtension, kSizeLf, kData, kDataCr, kDataLf, kTrailer, kTrailerLf, kDone };

  void take_byte(char c);
  void take_size_byte(char c);
  void take_trailer_byte(char c);
  void end_of_size();
  void end_of_trailer_line();
  size_t take_data(std::string_view bytes, std::string& body);
  void expect(char found, char wanted, State next);
  void refuse(const char* what) { error_ = fail(Code::kCorrupt, "bad chunked body: {}", what); }

  const size_t max_body_bytes_;
  const size_t max_line_bytes_;
  State state_ = State::kSize;
  size_t n_size_digits_ = 0;
  size_t n_left_ = 0;  // of the current chunk
  size_t n_body_ = 0;  // bytes so far
  size_t n_line_ = 0;  // bytes of the chunk header or trailer so far
  size_t n_trailer_line_ = 0;
  bool has_colon_ = false;  // in the current trailer line
  Status error_;
};

}  // namespace drawbridge
