#include <map>

#include "eval/tau2/arithmetic.h"
#include "eval/tau2/domain.h"
#include "eval/tau2/python_values.h"
#include "eval/tau2/retail_lookup.h"
#include "eval/tau2/retail_tools.h"

namespace drawbridge::tau2::retail {
namespace {

Status user_not_found() {
  return fail(Code::kNotFound, "User not found");
}

/// argument.lower(): the error is Python's for what is no string.
Result<std::string> lowered(const Json& argument) {
  if (argument.is_string()) return ascii_lower(argument.get<std::string>());
  return fail(Code::kInvalidArgument, "'{}' object has no attribute 'lower'", python_type(argument));
}

std::string lower_member(const Json& record, const char* key) {
  return ascii_lower(record[key].get<std::string>());
}

}  // namespace

Result<Json*> order_of(Json& db, const Json& order_id) {
  return look_up(db["orders"], order_id, "Order not found");
}

Result<Json*> user_of(Json& db, const Json& user_id) {
  return look_up(db["users"], user_id, "User not found");
}

Result<Json*> product_of(Json& db, const Json& product_id) {
  return look_up(db["products"], product_id, "Product not found");
}

Result<Json*> payment_method_of(Json& db, const Json& user_id, const Json& payment_method_id) {
  DB_ASSIGN(Json * user, user_of(db, user_id));
  return look_up((*user)["payment_methods"], payment_method_id, "Payment method not found");
}

Result<Json> calculate_expression(Json&, const Json& arguments) {
  const Json& expression = arguments["expression"];
  if (!expression.is_string()) {
    return fail(Code::kInvalidArgument, "'{}' object is not iterable", python_type(expression));
  }
  DB_ASSIGN(std::string value, calculate(expression.get_ref<const std::string&>()));
  return Json(std::move(value));
}

Result<Json> find_user_id_by_email(Json& db, const Json& arguments) {
  for (const auto& [id, user] : db["users"].items()) {
    DB_ASSIGN(const std::string email, lowered(arguments["email"]));
    if (lower_member(user, "email") == email) return Json(id);
  }
  return user_not_found();
}

Result<Json> find_user_id_by_name_zip(Json& db, const Json& arguments) {
  for (const auto& [id, user] : db["users"].items()) {
    DB_ASSIGN(const std::string first, lowered(arguments["first_name"]));
    if (lower_member(user["name"], "first_name") != first) continue;
    DB_ASSIGN(const std::string last, lowered(arguments["last_name"]));
    if (lower_member(user["name"], "last_name") == last && user["address"]["zip"] == arguments["zip"]) return Json(id);
  }
  return user_not_found();
}

Result<Json> get_item_details(Json& db, const Json& arguments) {
  for (Json& product : db["products"]) {
    const Result<Json*> item = look_up(product["variants"], arguments["item_id"], "Item not found");
    if (item.ok()) return **item;
    if (item.status().code() != Code::kNotFound) return item.status();
  }
  return fail(Code::kNotFound, "Item not found");
}

Result<Json> get_order_details(Json& db, const Json& arguments) {
  DB_ASSIGN(const Json* order, order_of(db, arguments["order_id"]));
  return *order;
}

Result<Json> get_product_details(Json& db, const Json& arguments) {
  DB_ASSIGN(const Json* product, product_of(db, arguments["product_id"]));
  return *product;
}

Result<Json> get_user_details(Json& db, const Json& arguments) {
  DB_ASSIGN(const Json* user, user_of(db, arguments["user_id"]));
  return *user;
}

Result<Json> list_all_product_types(Json& db, const Json&) {
  std::map<std::string, std::string> sorted;
  for (const Json& product : db["products"]) {
    sorted[product["name"].get<std::string>()] = product["product_id"].get<std::string>();
  }
  return Json(python_dumps(Json(sorted)));
}

Result<Json> transfer_to_human_agents(Json&, const Json&) {
  return Json("Transfer successful");
}

}  // namespace drawbridge::tau2::retail
