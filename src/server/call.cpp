#include "server/call.h"

#include <algorithm>

#include "base/log.h"

namespace drawbridge {
namespace {

/// A client's own id comes back to it and into our log, so only a short plain word is taken.
bool is_plain_id(const std::string& id) {
  return !id.empty() && id.size() <= 128 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
           c == '.';
  });
}

}  // namespace

Call::Call(std::shared_ptr<Exchange> exchange, std::string id, Metrics& metrics)
    : exchange_(std::move(exchange)),
      id_(std::move(id)),
      shown_id_(id_),
      metrics_(&metrics),
      arrival_(std::chrono::steady_clock::now()) {
  const std::string* given = request().header("x-request-id");
  if (given != nullptr && is_plain_id(*given)) shown_id_ = *given;
  headers_.emplace_back("x-request-id", shown_id_);
}

void Call::respond(HttpResponse response) {
  metrics_->response(response.status);
  response.headers.insert(response.headers.end(), headers_.begin(), headers_.end());
  exchange_->respond(std::move(response));
}

void Call::refuse(const ApiError& error) {
  respond(error_response(error));
}

void Call::refuse(const Status& status) {
  const ApiError error = api_error(status);
  if (error.status == 500) log_failure(status);
  refuse(error);
}

void Call::start_events(HttpHeaders headers) {
  metrics_->response(200);
  headers.insert(headers.end(), headers_.begin(), headers_.end());
  headers.emplace_back("cache-control", "no-cache");
  exchange_->start_stream({200, "text/event-stream; charset=utf-8", "", std::move(headers)});
}

void Call::log_failure(const Status& status) const {
  spdlog::error("api failure request={} path={} error=\"{}\"", shown_id_, request().path, status.message());
}

}  // namespace drawbridge
