#include "http/chunk_decoder.h"

#include <algorithm>

#include "base/checked_math.h"

namespace drawbridge {
namespace {

/// -1 for anything else.
int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_control(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}

}  // namespace

size_t ChunkDecoder::feed(std::string_view bytes, std::string& body) {
  size_t n = 0;
  while (n < bytes.size() && !done() && error_.ok()) {
    if (state_ == State::kData) {
      n += take_data(bytes.substr(n), body);
    } else {
      take_byte(bytes[n++]);
    }
  }
  return n;
}

size_t ChunkDecoder::take_data(std::string_view bytes, std::string& body) {
  const size_t n = std::min(n_left_, bytes.size());
  body.append(bytes.substr(0, n));
  n_left_ -= n;
  if (n_left_ == 0) state_ = State::kDataCr;
  return n;
}

void ChunkDecoder::take_byte(char c) {
  if (++n_line_ > max_line_bytes_) return refuse("a chunk header or trailer is too long");
  switch (state_) {
    case State::kSize:
      return take_size_byte(c);
    case State::kExtension:
      if (c == '\r') {
        state_ = State::kSizeLf;
      } else if (is_control(c)) {
        refuse("a control character in a chunk extension");
      }
      return;
    case State::kSizeLf:
      expect(c, '\n', State::kData);
      return end_of_size();
    case State::kDataCr:
      return expect(c, '\r', State::kDataLf);
    case State::kDataLf:
      expect(c, '\n', State::kSize);
      n_size_digits_ = n_line_ = 0;
      return;
    case State::kTrailer:
      return take_trailer_byte(c);
    case State::kTrailerLf:
      expect(c, '\n', State::kTrailer);
      return end_of_trailer_line();
    case State::kData:
    case State::kDone:
      return;
  }
}

void ChunkDecoder::take_size_byte(char c) {
  const int digit = hex_value(c);
  if (digit >= 0) {
    ++n_size_digits_;
    const auto shifted = checked_mul(n_left_, 16);
    n_left_ = shifted ? *shifted + static_cast<size_t>(digit) : n_left_;
    if (!shifted || n_left_ > max_body_bytes_ - n_body_) {
      error_ = fail(Code::kOutOfRange, "the body is larger than the limit of {} bytes", max_body_bytes_);
    }
  } else if (n_size_digits_ > 0 && (c == ';' || c == '\r')) {
    state_ = c == ';' ? State::kExtension : State::kSizeLf;
  } else {
    refuse("a chunk size that is not a hexadecimal number");
  }
}

void ChunkDecoder::end_of_size() {
  n_body_ += n_left_;
  n_line_ = 0;
  if (n_left_ == 0 && error_.ok()) state_ = State::kTrailer;
}

void ChunkDecoder::take_trailer_byte(char c) {
  if (c == '\r') {
    state_ = State::kTrailerLf;
  } else if (is_control(c) || (n_trailer_line_ == 0 && (c == ':' || c == ' ' || c == '\t'))) {
    refuse("a malformed trailer field");
  } else {
    ++n_trailer_line_;
    has_colon_ = has_colon_ || c == ':';
  }
}

void ChunkDecoder::end_of_trailer_line() {
  if (!error_.ok()) return;
  if (n_trailer_line_ == 0) {
    state_ = State::kDone;
  } else if (!has_colon_) {
    refuse("a malformed trailer field");
  }
  n_trailer_line_ = 0;
  has_colon_ = false;
}

void ChunkDecoder::expect(char found, char wanted, State next) {
  if (found != wanted) return refuse("a chunk or line that does not end in CRLF");
  state_ = next;
}

}  // namespace drawbridge
