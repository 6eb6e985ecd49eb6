#include "http/response_parser.h"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "http/beast_text.h"
#include "http/chunk_decoder.h"

namespace drawbridge {
namespace {

namespace beast = boost::beast;
namespace bhttp = boost::beast::http;

constexpr size_t kMaxLineBytes = 64 << 10;  // of a chunk header or trailer

enum class BodyEnd { kNone, kLength, kChunks, kClose };

}  // namespace

struct ResponseParser::Impl {
  Impl(size_t max_bytes, bool to_a_head) : max_header_bytes(max_bytes), to_head(to_a_head) { start(); }

  void start();
  Status feed_header();
  void end_of_header();
  Status feed_body(std::string_view bytes, std::string& body);

  const size_t max_header_bytes;
  const bool to_head;
  std::optional<bhttp::response_parser<bhttp::empty_body>> header;  // fed up to the end of the header only
  std::string unparsed;                                             // of the header
  size_t n_header_bytes = 0;
  bool header_done = false;
  bool done = false;
  int status = 0;
  HttpHeaders headers;
  BodyEnd body_end = BodyEnd::kNone;
  uint64_t n_left = 0;  // of a body with a length
  ChunkDecoder chunks{SIZE_MAX, kMaxLineBytes};
};

void ResponseParser::Impl::start() {
  header.emplace();
  header->header_limit(static_cast<uint32_t>(max_header_bytes));
  header->body_limit(boost::none);
}

Status ResponseParser::Impl::feed_header() {
  while (!header_done && !unparsed.empty()) {
    beast::error_code code;
    const size_t n = header->put(boost::asio::const_buffer(unparsed.data(), unparsed.size()), code);
    n_header_bytes += n;
    unparsed.erase(0, n);
    if (code == bhttp::error::header_limit || n_header_bytes > max_header_bytes) {
      return fail(Code::kOutOfRange, "the response's header is larger than the limit of {} bytes", max_header_bytes);
    }
    if (code == bhttp::error::need_more) break;
    if (code) return fail(Code::kCorrupt, "malformed HTTP response: {}", code.message());
    if (header->is_header_done()) end_of_header();
  }
  return Status();
}

void ResponseParser::Impl::end_of_header() {
  status = static_cast<int>(header->get().result_int());
  if (status / 100 == 1 && status != 101) return start();
  for (const auto& field : header->get()) headers.emplace_back(lower(view(field.name_string())), view(field.value()));
  header_done = true;
  const auto length = header->content_length();
  if (to_head || status == 101 || status == 204 || status == 304) {
    body_end = BodyEnd::kNone;
  } else if (header->chunked()) {
    body_end = BodyEnd::kChunks;
  } else if (length) {
    body_end = BodyEnd::kLength;
    n_left = *length;
  } else {
    body_end = BodyEnd::kClose;
  }
  done = body_end == BodyEnd::kNone || (body_end == BodyEnd::kLength && n_left == 0);
}

Status ResponseParser::Impl::feed_body(std::string_view bytes, std::string& body) {
  if (body_end == BodyEnd::kChunks) {
    chunks.feed(bytes, body);
    done = chunks.done();
    return chunks.error();
  }
  const uint64_t n = body_end == BodyEnd::kLength ? std::min<uint64_t>(n_left, bytes.size()) : bytes.size();
  body.append(bytes.substr(0, n));
  n_left -= std::min(n_left, n);
  done = body_end == BodyEnd::kLength && n_left == 0;
  return Status();
}

ResponseParser::ResponseParser(size_t max_header_bytes, bool to_head)
    : impl_(std::make_unique<Impl>(max_header_bytes, to_head)) {}
ResponseParser::~ResponseParser() = default;

Status ResponseParser::feed(std::string_view bytes, std::string& body) {
  if (impl_->header_done) return impl_->done ? Status() : impl_->feed_body(bytes, body);
  impl_->unparsed += bytes;
  DB_TRY(impl_->feed_header());
  if (!impl_->header_done || impl_->done) return Status();
  return impl_->feed_body(std::exchange(impl_->unparsed, {}), body);
}

Status ResponseParser::feed_end() {
  if (impl_->header_done && impl_->body_end == BodyEnd::kClose) impl_->done = true;
  if (impl_->done) return Status();
  return fail(Code::kUnavailable, "the server closed the connection {}",
              impl_->header_done ? "in the middle of its response" : "without a response");
}

bool ResponseParser::header_done() const {
  return impl_->header_done;
}

bool ResponseParser::done() const {
  return impl_->done;
}

int ResponseParser::status() const {
  return impl_->status;
}

const HttpHeaders& ResponseParser::headers() const {
  return impl_->headers;
}

}  // namespace drawbridge
