// The retail domain: the shape of its database and the tools that its agent is offered.
#include "eval/tau2/domain.h"
#include "eval/tau2/retail_tools.h"

namespace drawbridge::tau2 {
namespace {

Shape address() {
  return record({{"address1", text()},
                 {"address2", text()},
                 {"city", text()},
                 {"country", text()},
                 {"state", text()},
                 {"zip", text()}});
}

Shape product() {
  const Shape variant =
      record({{"item_id", text()}, {"options", map_of(text())}, {"available", boolean()}, {"price", number()}});
  return record({{"name", text()}, {"product_id", text()}, {"variants", map_of(variant)}});
}

Shape payment_method() {
  const Field source = {"source", text()};
  const Field id = {"id", text()};
  Shape shape = {.kind = Shape::Kind::kTagged, .words = {"credit_card", "gift_card", "paypal"}, .tag = "source"};
  shape.elements = {record({source, id, {"brand", text()}, {"last_four", text()}}),
                    record({source, id, {"balance", number()}}), record({source, id})};
  return shape;
}

Shape user() {
  return record({{"user_id", text()},
                 {"name", record({{"first_name", text()}, {"last_name", text()}})},
                 {"address", address()},
                 {"email", text()},
                 {"payment_methods", map_of(payment_method())},
                 {"orders", list_of(text())}});
}

Shape order() {
  const Shape item = record({{"name", text()},
                             {"product_id", text()},
                             {"item_id", text()},
                             {"price", number()},
                             {"options", map_of(text())}});
  const Shape payment = record(
      {{"transaction_type", one_of({"payment", "refund"})}, {"amount", number()}, {"payment_method_id", text()}});
  return record({{"order_id", text()},
                 {"user_id", text()},
                 {"address", address()},
                 {"items", list_of(item)},
                 {"status", one_of({"processed", "pending", "pending (item modified)", "delivered", "cancelled",
                                    "exchange requested", "return requested"})},
                 {"fulfillments", list_of(record({{"tracking_id", list_of(text())}, {"item_ids", list_of(text())}}))},
                 {"payment_history", list_of(payment)},
                 {"cancel_reason", one_of({"no longer needed", "ordered by mistake"}), true},
                 {"exchange_items", list_of(text()), true},
                 {"exchange_new_items", list_of(text()), true},
                 {"exchange_payment_method_id", text(), true},
                 {"exchange_price_difference", number(), true},
                 {"return_items", list_of(text()), true},
                 {"return_payment_method_id", text(), true}});
}

const Json kTexts = {{"type", "array"}, {"items", {{"type", "string"}}}};
const Parameter kOrder = {"order_id", "ID of the order, which starts with '#', such as '#W0000000'"};
const Parameter kUser = {"user_id", "ID of the user, such as 'sara_doe_496'"};
const Parameter kItems = {"item_ids", "IDs of items of the order, one for each piece: an ID may stand twice", kTexts};
const Parameter kNewItems = {
    "new_item_ids", "IDs of the items to get instead, in the order of item_ids; each is of the same product", kTexts};
const Parameter kPayment = {"payment_method_id",
                            "ID of one of the user's payment methods, such as 'gift_card_0000000' or "
                            "'credit_card_0000000'; user and order details list them"};

/// The first parameter, then a whole address.
std::vector<Parameter> with_address(const Parameter& first) {
  return {first,
          {"address1", "First line, such as '123 Main St'"},
          {"address2", "Second line, such as 'Apt 1', or ''"},
          {"city", "City, such as 'San Francisco'"},
          {"state", "State, such as 'CA'"},
          {"country", "Country, such as 'USA'"},
          {"zip", "Zip code, such as '12345'"}};
}

std::vector<Tool> reading_tools() {
  return {
      {"find_user_id_by_email",
       "Finds the ID of the user with an email address.",
       {{"email", "The address"}},
       retail::find_user_id_by_email},
      {"find_user_id_by_name_zip",
       "Finds the ID of a user by name and zip code, for users who cannot be found by email.",
       {{"first_name", "First name"}, {"last_name", "Last name"}, {"zip", "Zip code, such as '12345'"}},
       retail::find_user_id_by_name_zip},
      {"get_user_details",
       "Shows a user with addresses, payment methods and orders.",
       {kUser},
       retail::get_user_details},
      {"get_order_details", "Shows the status and details of an order.", {kOrder}, retail::get_order_details},
      {"get_product_details",
       "Shows a product with all its items, their options, stock and prices.",
       {{"product_id", "ID of the product, which differs from the IDs of its items"}},
       retail::get_product_details},
      {"get_item_details",
       "Shows the options, stock and price of an item.",
       {{"item_id", "ID of the item, which differs from the ID of its product"}},
       retail::get_item_details},
      {"list_all_product_types",
       "Lists the name and product ID of every type of product in the store.",
       {},
       retail::list_all_product_types},
      {"calculate",
       "Computes a mathematical expression.",
       {{"expression", "Numbers, + - * /, parentheses and spaces, such as '2 + 2'"}},
       retail::calculate_expression},
      {"transfer_to_human_agents",
       "Hands the user over to a human agent. Only for users who ask for one, or when neither the policy nor the tools "
       "can solve the issue.",
       {{"summary", "The user's issue in short"}},
       retail::transfer_to_human_agents},
  };
}

std::vector<Tool> writing_tools() {
  const std::string confirm = " Explain the details and get the user's explicit yes first.";
  return {
      {"cancel_pending_order",
       "Cancels a pending order and refunds its payment, to a gift card at once, otherwise within 5-7 business days." +
           confirm,
       {kOrder, {"reason", "'no longer needed' or 'ordered by mistake'"}},
       retail::cancel_pending_order},
      {"modify_pending_order_address", "Changes the shipping address of a pending order." + confirm,
       with_address(kOrder), retail::modify_pending_order_address},
      {"modify_pending_order_items",
       "Exchanges items of a pending order for others of the same products. Possible only once for an order." + confirm,
       {kOrder, kItems, kNewItems, kPayment},
       retail::modify_pending_order_items},
      {"modify_pending_order_payment",
       "Changes the payment method of a pending order." + confirm,
       {kOrder, kPayment},
       retail::modify_pending_order_payment},
      {"modify_user_address", "Changes the default address of a user." + confirm, with_address(kUser),
       retail::modify_user_address},
      {"return_delivered_order_items",
       "Requests the return of items of a delivered order; the user is told by email how to send them back." + confirm,
       {kOrder, kItems, kPayment},
       retail::return_delivered_order_items},
      {"exchange_delivered_order_items",
       "Requests the exchange of items of a delivered order for others of the same products. A delivered order can be "
       "returned or exchanged only once." +
           confirm,
       {kOrder, kItems, kNewItems, kPayment},
       retail::exchange_delivered_order_items},
  };
}

ToolKit agent_kit() {
  ToolKit kit = {.owner = "RetailTools", .database_class = "RetailDB"};
  kit.shape = closed_record({{"products", map_of(product())}, {"users", map_of(user())}, {"orders", map_of(order())}});
  kit.tools = reading_tools();
  for (Tool& tool : writing_tools()) kit.tools.push_back(std::move(tool));
  return kit;
}

}  // namespace

const Domain& retail_domain() {
  static const Domain domain = {"retail", agent_kit(), std::nullopt};
  return domain;
}

}  // namespace drawbridge::tau2
