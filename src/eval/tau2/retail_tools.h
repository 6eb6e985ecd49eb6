// What the tools of the retail domain do. The order of their checks, and what stays changed when a later check fails,
// are those of tau2-bench: final databases are compared.
#pragma once

#include "base/json.h"
#include "base/result.h"

namespace drawbridge::tau2::retail {

Result<Json> calculate_expression(Json& db, const Json& arguments);
Result<Json> find_user_id_by_email(Json& db, const Json& arguments);
Result<Json> find_user_id_by_name_zip(Json& db, const Json& arguments);
Result<Json> get_item_details(Json& db, const Json& arguments);
Result<Json> get_order_details(Json& db, const Json& arguments);
Result<Json> get_product_details(Json& db, const Json& arguments);
Result<Json> get_user_details(Json& db, const Json& arguments);
Result<Json> list_all_product_types(Json& db, const Json& arguments);
Result<Json> transfer_to_human_agents(Json& db, const Json& arguments);

Result<Json> cancel_pending_order(Json& db, const Json& arguments);
Result<Json> exchange_delivered_order_items(Json& db, const Json& arguments);
Result<Json> modify_pending_order_address(Json& db, const Json& arguments);
Result<Json> modify_pending_order_items(Json& db, const Json& arguments);
Result<Json> modify_pending_order_payment(Json& db, const Json& arguments);
Result<Json> modify_user_address(Json& db, const Json& arguments);
Result<Json> return_delivered_order_items(Json& db, const Json& arguments);

}  // namespace drawbridge::tau2::retail
