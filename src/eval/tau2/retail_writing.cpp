#include <algorithm>
#include <cmath>

#include "eval/tau2/domain.h"
#include "eval/tau2/python_values.h"
#include "eval/tau2/retail_lookup.h"
#include "eval/tau2/retail_tools.h"

namespace drawbridge::tau2::retail {
namespace {

/// What a list argument holds; a string is the list of its characters, as to Python's `for`.
Result<std::vector<Json>> elements_of(const Json& argument) {
  if (argument.is_array()) return std::vector<Json>(argument.begin(), argument.end());
  if (!argument.is_string()) {
    return fail(Code::kInvalidArgument, "'{}' object is not iterable", python_type(argument));
  }
  std::vector<Json> characters;
  for (const char c : argument.get_ref<const std::string&>()) characters.push_back(std::string(1, c));
  return characters;
}

auto count(const std::vector<Json>& list, const Json& value) {
  return std::count(list.begin(), list.end(), value);
}

std::vector<Json> item_ids_of(const Json& order) {
  std::vector<Json> ids;
  for (const Json& item : order["items"]) ids.push_back(item["item_id"]);
  return ids;
}

Json* item_of(Json& order, const Json& item_id) {
  for (Json& item : order["items"]) {
    if (item["item_id"] == item_id) return &item;
  }
  return nullptr;
}

/// Whether the order has every one of the items as often as it is asked for; else the first that it lacks.
const Json* lacking(const Json& order, const std::vector<Json>& item_ids) {
  const std::vector<Json> all = item_ids_of(order);
  for (const Json& id : item_ids) {
    if (count(item_ids, id) > count(all, id)) return &id;
  }
  return nullptr;
}

struct Swap {
  std::vector<Json> item_ids;
  std::vector<Json> new_item_ids;
  double price_difference = 0;
  Json last_variant;  // the one looked up last
};

/// The price of all new items minus that of the old ones. `may_stay`: an item may be exchanged for itself.
Status price(Json& db, Json& order, Swap& swap, bool may_stay) {
  for (size_t i = 0; i < swap.item_ids.size(); ++i) {
    const Json& new_id = swap.new_item_ids[i];
    if (!may_stay && swap.item_ids[i] == new_id) {
      return fail(Code::kInvalidArgument, "The new item id should be different from the old item id");
    }
    const Json* item = item_of(order, swap.item_ids[i]);
    if (item == nullptr) return fail(Code::kNotFound, "Item {} not found", python_str(swap.item_ids[i]));
    DB_ASSIGN(Json * product, product_of(db, (*item)["product_id"]));
    DB_ASSIGN(const Json* variant, look_up((*product)["variants"], new_id, "Variant not found"));
    if (!(*variant)["available"].get<bool>()) {
      return fail(Code::kInvalidArgument, "New item {} not found or available", python_str(new_id));
    }
    swap.price_difference += (*variant)["price"].get<double>() - (*item)["price"].get<double>();
    swap.last_variant = *variant;
  }
  return Status();
}

bool is_gift_card(const Json& payment_method) {
  return payment_method["source"] == "gift_card";
}

bool is_pending(const Json& order) {
  return order["status"].get_ref<const std::string&>().find("pending") != std::string::npos;
}

void add_to_balance(Json& gift_card, double amount) {
  gift_card["balance"] = round_cents(gift_card["balance"].get<double>() + amount);
}

Json transaction(const char* type, double amount, const Json& payment_method_id) {
  return {{"transaction_type", type}, {"amount", amount}, {"payment_method_id", payment_method_id}};
}

Json sorted_list(std::vector<Json> list) {
  std::sort(list.begin(), list.end());
  return Json(list);
}

/// The address that the arguments spell out.
Result<Json> address_from(const Json& arguments) {
  DB_TRY(check_texts("UserAddress", arguments, {"address1", "address2", "city", "country", "state", "zip"}));
  Json address = Json::object();
  for (const char* key : {"address1", "address2", "city", "country", "state", "zip"}) address[key] = arguments[key];
  return address;
}

Status mismatched_lengths(const char* end) {
  return fail(Code::kInvalidArgument, "The number of items to be exchanged should match{}", end);
}

}  // namespace

Result<Json> cancel_pending_order(Json& db, const Json& arguments) {
  DB_ASSIGN(Json * order, order_of(db, arguments["order_id"]));
  if ((*order)["status"] != "pending") return fail(Code::kInvalidArgument, "Non-pending order cannot be cancelled");
  const Json& reason = arguments["reason"];
  if (reason.is_structured()) return fail(Code::kInvalidArgument, "unhashable type: '{}'", python_type(reason));
  if (reason != "no longer needed" && reason != "ordered by mistake") {
    return fail(Code::kInvalidArgument, "Invalid reason");
  }
  std::vector<Json> refunds;
  for (const Json& payment : (*order)["payment_history"]) {
    const double amount = payment["amount"].get<double>();
    refunds.push_back(transaction("refund", amount, payment["payment_method_id"]));
    DB_ASSIGN(Json * method, payment_method_of(db, (*order)["user_id"], payment["payment_method_id"]));
    if (is_gift_card(*method)) add_to_balance(*method, amount);
  }
  (*order)["status"] = "cancelled";
  (*order)["cancel_reason"] = reason;
  for (Json& refund : refunds) (*order)["payment_history"].push_back(std::move(refund));
  return *order;
}

Result<Json> exchange_delivered_order_items(Json& db, const Json& arguments) {
  DB_ASSIGN(Json * order, order_of(db, arguments["order_id"]));
  if ((*order)["status"] != "delivered") {
    return fail(Code::kInvalidArgument, "Non-delivered order cannot be exchanged");
  }
  Swap swap;
  DB_ASSIGN(swap.item_ids, elements_of(arguments["item_ids"]));
  if (const Json* id = lacking(*order, swap.item_ids)) {
    return fail(Code::kNotFound, "Number of {} not found.", python_str(*id));
  }
  DB_ASSIGN(swap.new_item_ids, elements_of(arguments["new_item_ids"]));
  if (swap.item_ids.size() != swap.new_item_ids.size()) return mismatched_lengths(".");
  DB_TRY(price(db, *order, swap, true));
  const double difference = round_cents(swap.price_difference);
  const Json& method_id = arguments["payment_method_id"];
  DB_ASSIGN(const Json* method, payment_method_of(db, (*order)["user_id"], method_id));
  if (is_gift_card(*method) && (*method)["balance"].get<double>() < difference) {
    return fail(Code::kInvalidArgument, "Insufficient gift card balance to pay for the price difference");
  }
  (*order)["status"] = "exchange requested";
  (*order)["exchange_items"] = sorted_list(swap.item_ids);
  (*order)["exchange_new_items"] = sorted_list(swap.new_item_ids);
  (*order)["exchange_payment_method_id"] = method_id;
  (*order)["exchange_price_difference"] = difference;
  return *order;
}

Result<Json> modify_pending_order_address(Json& db, const Json& arguments) {
  DB_ASSIGN(Json * order, order_of(db, arguments["order_id"]));
  if (!is_pending(*order)) return fail(Code::kInvalidArgument, "Non-pending order cannot be modified");
  DB_ASSIGN((*order)["address"], address_from(arguments));
  return *order;
}

Result<Json> modify_pending_order_items(Json& db, const Json& arguments) {
  DB_ASSIGN(Json * order, order_of(db, arguments["order_id"]));
  if ((*order)["status"] != "pending") return fail(Code::kInvalidArgument, "Non-pending order cannot be modified");
  Swap swap;
  DB_ASSIGN(swap.item_ids, elements_of(arguments["item_ids"]));
  if (const Json* id = lacking(*order, swap.item_ids)) return fail(Code::kNotFound, "{} not found", python_str(*id));
  DB_ASSIGN(swap.new_item_ids, elements_of(arguments["new_item_ids"]));
  if (swap.item_ids.size() != swap.new_item_ids.size()) return mismatched_lengths("");
  DB_TRY(price(db, *order, swap, false));
  const double difference = swap.price_difference;
  const Json& method_id = arguments["payment_method_id"];
  DB_ASSIGN(Json * method, payment_method_of(db, (*order)["user_id"], method_id));
  if (is_gift_card(*method) && (*method)["balance"].get<double>() < difference) {
    return fail(Code::kInvalidArgument, "Insufficient gift card balance to pay for the new item");
  }
  const char* type = difference > 0 ? "payment" : "refund";
  (*order)["payment_history"].push_back(transaction(type, std::abs(difference), method_id));
  if (is_gift_card(*method)) add_to_balance(*method, -difference);
  for (size_t i = 0; i < swap.item_ids.size(); ++i) {
    Json* item = item_of(*order, swap.item_ids[i]);
    DB_CHECK(item != nullptr);  // `lacking` counted them, and each step removes just one
    (*item)["item_id"] = swap.new_item_ids[i];
    // tau2-bench gives every item the price and options of the last one; its expected databases have that too.
    (*item)["price"] = swap.last_variant["price"];
    (*item)["options"] = swap.last_variant["options"];
  }
  (*order)["status"] = "pending (item modified)";
  return *order;
}

Result<Json> modify_pending_order_payment(Json& db, const Json& arguments) {
  DB_ASSIGN(Json * order, order_of(db, arguments["order_id"]));
  if (!is_pending(*order)) return fail(Code::kInvalidArgument, "Non-pending order cannot be modified");
  const Json& method_id = arguments["payment_method_id"];
  DB_ASSIGN(Json * method, payment_method_of(db, (*order)["user_id"], method_id));
  Json& history = (*order)["payment_history"];
  if (history.size() != 1 || history[0]["transaction_type"] != "payment") {
    return fail(Code::kInvalidArgument, "There should be exactly one payment for a pending order");
  }
  const Json old_id = history[0]["payment_method_id"];
  if (old_id == method_id) {
    return fail(Code::kInvalidArgument, "The new payment method should be different from the current one");
  }
  const double amount = history[0]["amount"].get<double>();
  if (is_gift_card(*method) && (*method)["balance"].get<double>() < amount) {
    return fail(Code::kInvalidArgument, "Insufficient gift card balance to pay for the order");
  }
  history.push_back(transaction("payment", amount, method_id));
  history.push_back(transaction("refund", amount, old_id));
  if (is_gift_card(*method)) add_to_balance(*method, -amount);
  DB_ASSIGN(Json * old_method, payment_method_of(db, (*order)["user_id"], old_id));
  if (is_gift_card(*old_method)) add_to_balance(*old_method, amount);
  return *order;
}

Result<Json> modify_user_address(Json& db, const Json& arguments) {
  DB_ASSIGN(Json * user, user_of(db, arguments["user_id"]));
  DB_ASSIGN((*user)["address"], address_from(arguments));
  return *user;
}

Result<Json> return_delivered_order_items(Json& db, const Json& arguments) {
  DB_ASSIGN(Json * order, order_of(db, arguments["order_id"]));
  if ((*order)["status"] != "delivered") {
    return fail(Code::kInvalidArgument, "Non-delivered order cannot be returned");
  }
  const Json& method_id = arguments["payment_method_id"];
  DB_ASSIGN(const Json* method, payment_method_of(db, (*order)["user_id"], method_id));
  const Json& history = (*order)["payment_history"];
  if (!is_gift_card(*method)) {
    if (history.empty()) return fail(Code::kInvalidArgument, "list index out of range");
    if (history[0]["payment_method_id"] != method_id) {
      return fail(Code::kInvalidArgument, "Payment method should be the original payment method");
    }
  }
  DB_ASSIGN(const std::vector<Json> item_ids, elements_of(arguments["item_ids"]));
  if (lacking(*order, item_ids) != nullptr) return fail(Code::kNotFound, "Some item not found");
  (*order)["status"] = "return requested";
  (*order)["return_items"] = sorted_list(item_ids);
  (*order)["return_payment_method_id"] = method_id;
  return *order;
}

}  // namespace drawbridge::tau2::retail
