// Call: one HTTP request at a route, with its id; every answer goes out through it and carries the id.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "http/exchange.h"
#include "server/api_error.h"
#include "server/caller.h"
#include "server/metrics.h"

namespace drawbridge {

class Call {
 public:
  /// `id` names the request in our own ids; x-request-id is the client's own if it sent a plain one.
  Call(std::shared_ptr<Exchange> exchange, std::string id, Metrics& metrics);

  const HttpRequest& request() const { return exchange_->request(); }
  const std::string& id() const { return id_; }
  std::chrono::steady_clock::time_point arrival() const { return arrival_; }
  const Caller& caller() const { return caller_; }
  void set_caller(Caller caller) { caller_ = std::move(caller); }
  /// Of every answer to this call.
  void add_header(std::string name, std::string value) { headers_.emplace_back(std::move(name), std::move(value)); }

  void respond(HttpResponse response);
  void respond_json(const Json& body) { respond({200, "application/json", dump_json(body), {}}); }
  /// Errors that are the server's own are logged with their cause.
  void refuse(const ApiError& error);
  void refuse(const Status& status);
  /// Starts a stream of server-sent events.
  void start_events(HttpHeaders headers);
  void write(std::string bytes) { exchange_->write(std::move(bytes)); }
  void end_stream() { exchange_->end_stream(); }
  void on_disconnect(std::function<void()> callback) { exchange_->on_disconnect(std::move(callback)); }
  void log_failure(const Status& status) const;

 private:
  std::shared_ptr<Exchange> exchange_;
  std::string id_;
  std::string shown_id_;
  Caller caller_;
  HttpHeaders headers_;
  Metrics* metrics_;
  std::chrono::steady_clock::time_point arrival_;
};

}  // namespace drawbridge
