#include "server/admin_server.h"

#include "base/json.h"
#include "base/log.h"
#include "server/api_error.h"

namespace drawbridge {
namespace {

HttpResponse json_response(int status, const Json& body) {
  return {status, "application/json", dump_json(body), {}};
}

HttpResponse refusal(int status, std::string message, const char* code) {
  return error_response({status, std::move(message), "invalid_request_error", std::nullopt, code});
}

Json log_level() {
  const auto name = spdlog::level::to_string_view(spdlog::get_level());
  return {{"level", std::string(name.data(), name.size())}};
}

}  // namespace

const AdminServer::Route AdminServer::kRoutes[] = {
    {"POST", "/admin/drain", &AdminServer::drain},
    {"POST", "/admin/reload-keys", &AdminServer::reload_keys},
    {"GET", "/admin/log-level", &AdminServer::show_log_level},
    {"PUT", "/admin/log-level", &AdminServer::set_log_level},
};

void AdminServer::handle(const std::shared_ptr<Exchange>& exchange) const {
  const HttpRequest& request = exchange->request();
  if (request.header("origin") != nullptr) {  // a page in the operator's browser is not the operator
    return exchange->respond(refusal(403, "wanted a request that no page sends, found an Origin header", "browser"));
  }
  bool known = false;
  for (const Route& route : kRoutes) {
    if (route.path != request.path) continue;
    known = true;
    if (route.method != request.method) continue;
    spdlog::info("admin {} {}", request.method, request.path);
    return exchange->respond((this->*route.run)(request));
  }
  if (known) {
    return exchange->respond(
        refusal(405, fmt::format("{}: not with {}", request.path, request.method), "method_not_allowed"));
  }
  exchange->respond(refusal(404, fmt::format("no such path: {}", request.path), "path_not_found"));
}

HttpResponse AdminServer::drain(const HttpRequest&) const {
  actions_.drain();
  return json_response(202, {{"status", "draining"}});
}

HttpResponse AdminServer::reload_keys(const HttpRequest&) const {
  const Status reloaded = actions_.reload_keys();
  if (!reloaded.ok()) return refusal(422, reloaded.message(), "bad_key_file");
  return json_response(200, {{"status", "reloaded"}});
}

HttpResponse AdminServer::show_log_level(const HttpRequest&) const {
  return json_response(200, log_level());
}

HttpResponse AdminServer::set_log_level(const HttpRequest& request) const {
  const auto body = parse_json(request.body, "body");
  if (!body.ok()) return refusal(400, body.status().message(), "bad_json");
  const std::string wanted = body->is_object() ? body->value("level", Json()).dump() : "";
  for (const char* name : {"trace", "debug", "info", "warning", "error"}) {
    if (wanted != Json(name).dump()) continue;
    spdlog::set_level(spdlog::level::from_str(name));
    return json_response(200, log_level());
  }
  return refusal(400, "level: wanted trace, debug, info, warning or error", "bad_level");
}

}  // namespace drawbridge
