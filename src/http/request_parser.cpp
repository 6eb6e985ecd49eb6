#include "http/request_parser.h"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "http/beast_text.h"
#include "http/chunk_decoder.h"

namespace drawbridge {
namespace {

namespace beast = boost::beast;
namespace bhttp = boost::beast::http;

/// Clients may send an empty line after a body (RFC 9112 section 2.2).
size_t n_empty_lines_bytes(std::string_view bytes) {
  size_t n = 0;
  while (bytes.substr(n, 2) == "\r\n") n += 2;
  return n;
}

}  // namespace

struct RequestParser::Impl {
  explicit Impl(const RequestLimits& wanted) : limits(wanted), chunks(wanted.max_body_bytes, wanted.max_header_bytes) {
    header.header_limit(static_cast<uint32_t>(limits.max_header_bytes));
    header.body_limit(limits.max_body_bytes);
  }

  void refuse(int status, std::string message) { error = RequestError{status, std::move(message)}; }
  void refuse(const beast::error_code& code);
  size_t feed_header(std::string_view bytes);
  size_t feed_body(std::string_view bytes);
  size_t feed_chunks(std::string_view bytes);
  void end_of_header();
  void check_framing();
  void check_expectation();
  void split_target();
  bool done() const;

  const RequestLimits limits;
  bhttp::request_parser<bhttp::empty_body> header;  // fed up to the end of the header only
  ChunkDecoder chunks;
  bool chunked = false;
  size_t content_length = 0;
  size_t n_header_bytes = 0;
  bool wants_continue = false;
  HttpRequest request;
  std::optional<RequestError> error;
};

void RequestParser::Impl::refuse(const beast::error_code& code) {
  if (code == bhttp::error::body_limit) {
    return refuse(413, fmt::format("the body is larger than the limit of {} bytes", limits.max_body_bytes));
  }
  if (code == bhttp::error::header_limit) {
    return refuse(431, fmt::format("the header is larger than the limit of {} bytes", limits.max_header_bytes));
  }
  if (code == bhttp::error::bad_version) return refuse(505, "the request line names no HTTP/1.0 or HTTP/1.1");
  refuse(400, "malformed HTTP request: " + code.message());
}

bool RequestParser::Impl::done() const {
  if (error || !header.is_header_done()) return false;
  return chunked ? chunks.done() : request.body.size() == content_length;
}

size_t RequestParser::Impl::feed_header(std::string_view bytes) {
  size_t n = header.got_some() ? 0 : n_empty_lines_bytes(bytes);
  beast::error_code code = bhttp::error::need_more;
  if (header.got_some() || (n < bytes.size() && bytes.substr(n) != "\r")) {
    n += header.put(boost::asio::const_buffer(bytes.data() + n, bytes.size() - n), code);
  }
  n_header_bytes += n;
  const size_t n_unfinished = header.is_header_done() ? 0 : bytes.size() - n;
  if (code && code != bhttp::error::need_more) {
    refuse(code);
  } else if (n_header_bytes + n_unfinished > limits.max_header_bytes) {
    refuse(bhttp::error::header_limit);
  } else if (header.is_header_done()) {
    end_of_header();
  }
  return n;
}

size_t RequestParser::Impl::feed_body(std::string_view bytes) {
  if (chunked) return feed_chunks(bytes);
  const size_t n = std::min(bytes.size(), content_length - request.body.size());
  request.body.append(bytes.substr(0, n));
  return n;
}

size_t RequestParser::Impl::feed_chunks(std::string_view bytes) {
  const size_t n = chunks.feed(bytes, request.body);
  const Status& bad = chunks.error();
  if (!bad.ok()) refuse(bad.code() == Code::kOutOfRange ? 413 : 400, bad.message());
  return n;
}

void RequestParser::Impl::end_of_header() {
  const auto& message = header.get();
  request.method = view(message.method_string());
  request.path = view(message.target());
  for (const auto& field : message) request.headers.emplace_back(lower(view(field.name_string())), view(field.value()));
  split_target();
  if (!error) check_framing();
  if (!error) check_expectation();
}

void RequestParser::Impl::split_target() {
  std::string& path = request.path;
  if (path.rfind("http://", 0) == 0) {  // absolute form, as sent to proxies
    const size_t slash = path.find('/', 7);
    path = slash == std::string::npos ? "/" : path.substr(slash);
  }
  if (path.empty() || (path[0] != '/' && path != "*")) {
    return refuse(400, fmt::format("the request target '{}' is not a path", path));
  }
  const size_t mark = path.find('?');
  if (mark == std::string::npos) return;
  request.query = path.substr(mark + 1);
  path.resize(mark);
}

void RequestParser::Impl::check_framing() {
  const auto n_of = [this](std::string_view name) {
    return std::count_if(request.headers.begin(), request.headers.end(),
                         [&](const auto& h) { return h.first == name; });
  };
  const auto n_codings = n_of("transfer-encoding");
  const auto n_lengths = n_of("content-length");
  const bool is_1_0 = header.get().version() == 10;
  if (n_codings + n_lengths > 1) return refuse(400, "more than one Content-Length or Transfer-Encoding");
  if (n_codings == 1 && lower(*request.header("transfer-encoding")) != "chunked") {
    return refuse(501, "the only Transfer-Encoding that is understood is chunked");
  }
  if (n_codings == 1 && is_1_0) return refuse(400, "Transfer-Encoding in an HTTP/1.0 request");
  const auto n_hosts = n_of("host");
  if (n_hosts > 1 || (n_hosts == 0 && !is_1_0)) return refuse(400, fmt::format("{} Host fields, wanted 1", n_hosts));
  chunked = n_codings == 1;
  content_length = static_cast<size_t>(header.content_length().value_or(0));
}

void RequestParser::Impl::check_expectation() {
  const std::string* expect = request.header("expect");
  if (expect == nullptr) return;
  if (lower(*expect) != "100-continue") return refuse(417, "the only expectation that is understood is 100-continue");
  wants_continue = !done() && header.get().version() == 11;
}

RequestParser::RequestParser(const RequestLimits& limits) : impl_(std::make_unique<Impl>(limits)) {}
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser::~RequestParser() = default;

size_t RequestParser::feed(std::string_view bytes) {
  size_t n = 0;
  if (!impl_->error && !impl_->header.is_header_done()) n = impl_->feed_header(bytes);
  if (header_done() && !done()) n += impl_->feed_body(bytes.substr(n));
  return n;
}

bool RequestParser::header_done() const {
  return !impl_->error && impl_->header.is_header_done();
}

bool RequestParser::done() const {
  return impl_->done();
}

const std::optional<RequestError>& RequestParser::error() const {
  return impl_->error;
}

bool RequestParser::wants_continue() const {
  return impl_->wants_continue;
}

bool RequestParser::keep_alive() const {
  return impl_->header.keep_alive();
}

bool RequestParser::http_1_0() const {
  return impl_->header.get().version() == 10;
}

HttpRequest RequestParser::take() {
  DB_CHECK(done());
  return std::move(impl_->request);
}

}  // namespace drawbridge
