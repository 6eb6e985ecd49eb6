// The routes that generate text.
#include "server/api_server.h"

namespace drawbridge {

/// A cost that nobody can compute must not look like one of nothing.
bool ApiServer::refuse_cost(Call& call, const GenerationFields& generation) const {
  if (!generation.include_cost || options_.price) return false;
  call.refuse({400,
               "usage.include: wanted it absent or false, as this server was started without a price of its machine "
               "(--price-per-hour); found true",
               "invalid_request_error", "usage.include", "unsupported"});
  return true;
}

void ApiServer::start_answer(Call& call, const GenerationFields& generation, Result<PreparedAnswer> prepared) {
  if (!prepared.ok()) return call.refuse(prepared.status());
  prepared->form.model = generation.model.empty() ? options_.model_names.front() : generation.model;
  if (generation.include_cost) prepared->form.price = options_.price;
  for (AnswerPart& part : prepared->parts) {
    part.request.tenant = call.caller().name;
    part.request.cache_domain = call.caller().cache_domain + part.request.cache_domain;  // a client's own salt follows
  }
  answers_.start(std::move(call), std::move(prepared->form), std::move(prepared->parts));
}

void ApiServer::chat_completions(Call& call) {
  const auto body = parse_json(call.request().body, "body");
  if (!body.ok()) return call.refuse(body.status());
  const auto request = parse_chat_request(*body, engine_.card());
  if (!request.ok()) return call.refuse(request.status());
  if (refuse_model(call, request->generation.model) || refuse_cost(call, request->generation)) return;
  start_answer(call, request->generation, prepare_chat(*request, engine_, call.id()));
}

void ApiServer::completions(Call& call) {
  const auto body = parse_json(call.request().body, "body");
  if (!body.ok()) return call.refuse(body.status());
  const auto request = parse_completion_request(*body, engine_.card());
  if (!request.ok()) return call.refuse(request.status());
  if (refuse_model(call, request->generation.model) || refuse_cost(call, request->generation)) return;
  start_answer(call, request->generation, prepare_completion(*request, engine_, call.id()));
}

}  // namespace drawbridge
