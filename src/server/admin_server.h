// AdminServer: what an operator may do to a running server. It listens on a socket of its own, whose reach is the only
// guard: none of it can be asked for on the port of the API.
// Threads: handle() on any io thread.
#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "http/exchange.h"

namespace drawbridge {

struct AdminActions {
  std::function<void()> drain;  // asks for the end that SIGTERM asks for
  std::function<Status()> reload_keys;
};

class AdminServer {
 public:
  explicit AdminServer(AdminActions actions) : actions_(std::move(actions)) {}

  void handle(const std::shared_ptr<Exchange>& exchange) const;

 private:
  struct Route {
    const char* method;
    const char* path;
    HttpResponse (AdminServer::*run)(const HttpRequest& request) const;
  };
  static const Route kRoutes[];

  HttpResponse drain(const HttpRequest& request) const;
  HttpResponse reload_keys(const HttpRequest& request) const;
  HttpResponse show_log_level(const HttpRequest& request) const;
  HttpResponse set_log_level(const HttpRequest& request) const;

  const AdminActions actions_;
};

}  // namespace drawbridge
