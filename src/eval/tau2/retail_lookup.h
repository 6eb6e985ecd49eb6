// Records of the retail database by ID, with the errors of its tools; shared by its reading and writing tools.
#pragma once

#include "base/json.h"
#include "base/result.h"

namespace drawbridge::tau2::retail {

Result<Json*> order_of(Json& db, const Json& order_id);
Result<Json*> user_of(Json& db, const Json& user_id);
Result<Json*> product_of(Json& db, const Json& product_id);
Result<Json*> payment_method_of(Json& db, const Json& user_id, const Json& payment_method_id);

}  // namespace drawbridge::tau2::retail
