// The routes that generate text.
#include "server/api_server.h"

namespace drawbridge {

void ApiServer::start_answer(Call& call, const std::string& model, Result<PreparedAnswer> prepared) {
  if (!prepared.ok()) return call.refuse(prepared.status());
  prepared->form.model = model.empty() ? options_.model_names.front() : model;
  answers_.start(std::move(call), std::move(prepared->form), std::move(prepared->parts));
}

void ApiServer::chat_completions(Call& call) {
  const auto body = parse_json(call.request().body, "body");
  if (!body.ok()) return call.refuse(body.status());
  const auto request = parse_chat_request(*body, engine_.card());
  if (!request.ok()) return call.refuse(request.status());
  if (refuse_model(call, request->generation.model)) return;
  start_answer(call, request->generation.model, prepare_chat(*request, engine_, call.id()));
}

void ApiServer::completions(Call& call) {
  const auto body = parse_json(call.request().body, "body");
  if (!body.ok()) return call.refuse(body.status());
  const auto request = parse_completion_request(*body, engine_.card());
  if (!request.ok()) return call.refuse(request.status());
  if (refuse_model(call, request->generation.model)) return;
  start_answer(call, request->generation.model, prepare_completion(*request, engine_, call.id()));
}

}  // namespace drawbridge
