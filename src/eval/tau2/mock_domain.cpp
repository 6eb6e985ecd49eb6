// The mock domain: users with tasks, and a notification inbox on the user's side.
#include "eval/tau2/domain.h"
#include "eval/tau2/python_values.h"

namespace drawbridge::tau2 {
namespace {

Result<Json*> user_of(Json& db, const Json& arguments) {
  const Json& id = arguments["user_id"];
  return look_up(db["users"], id, fmt::format("User {} not found", python_str(id)));
}

Result<Json*> task_of(Json& db, const Json& arguments) {
  const Json& id = arguments["task_id"];
  return look_up(db["tasks"], id, fmt::format("Task {} not found", python_str(id)));
}

Result<Json*> notification_of(Json& db, const Json& arguments) {
  const Json& id = arguments["notification_id"];
  return look_up(db["notifications"], id, fmt::format("Notification {} not found", python_str(id)));
}

Result<Json> create_task(Json& db, const Json& arguments) {
  DB_ASSIGN(Json * user, user_of(db, arguments));
  DB_TRY(check_texts("Task", arguments, {"title"}, {"description"}));
  const std::string id = fmt::format("task_{}", db["tasks"].size() + 1);
  const Json task = {
      {"task_id", id}, {"title", arguments["title"]}, {"description", arguments["description"]}, {"status", "pending"}};
  db["tasks"][id] = task;
  (*user)["tasks"].push_back(id);
  return task;
}

Result<Json> get_users(Json& db, const Json&) {
  return values_of(db["users"]);
}

Result<Json> update_task_status(Json& db, const Json& arguments) {
  DB_ASSIGN(Json * task, task_of(db, arguments));
  (*task)["status"] = arguments["status"];  // any value: tau2-bench does not check assignments
  return *task;
}

Result<Json> transfer_to_human_agents(Json&, const Json&) {
  return Json("Transfer successful");
}

Result<Json> assert_number_of_tasks(Json& db, const Json& arguments) {
  DB_ASSIGN(const Json* user, user_of(db, arguments));
  return Json(Json((*user)["tasks"].size()) == arguments["expected_number"]);
}

Result<Json> assert_task_status(Json& db, const Json& arguments) {
  DB_ASSIGN(const Json* task, task_of(db, arguments));
  return Json((*task)["status"] == arguments["expected_status"]);
}

Result<Json> check_notifications(Json& db, const Json&) {
  return values_of(db["notifications"]);
}

Result<Json> dismiss_notification(Json& db, const Json& arguments) {
  DB_ASSIGN(Json * notification, notification_of(db, arguments));
  (*notification)["status"] = "read";
  return Json(fmt::format("Notification {} dismissed", python_str(arguments["notification_id"])));
}

Result<Json> add_notification(Json& db, const Json& arguments) {
  DB_TRY(check_texts("Notification", arguments, {"notification_id", "message"}, {"task_id"}));
  const Json notification = {{"notification_id", arguments["notification_id"]},
                             {"message", arguments["message"]},
                             {"status", "unread"},
                             {"task_id", arguments["task_id"]}};
  db["notifications"][arguments["notification_id"].get<std::string>()] = notification;
  return notification;
}

Result<Json> assert_notification_status(Json& db, const Json& arguments) {
  DB_ASSIGN(const Json* notification, notification_of(db, arguments));
  return Json((*notification)["status"] == arguments["expected_status"]);
}

ToolKit agent_kit() {
  const Json status = {{"type", "string"}, {"enum", {"pending", "completed"}}};
  const Json text_or_null = {{"anyOf", {{{"type", "string"}}, {{"type", "null"}}}}, {"default", nullptr}};
  const Parameter user_id = {"user_id", "ID of the user"};
  const Parameter task_id = {"task_id", "ID of the task"};
  ToolKit kit = {.owner = "MockTools", .database_class = "MockDB"};
  kit.shape =
      closed_record({{"tasks", map_of(record({{"task_id", text()},
                                              {"title", text()},
                                              {"description", text(), true},
                                              {"status", one_of({"pending", "completed"})}}))},
                     {"users", map_of(record({{"user_id", text()}, {"name", text()}, {"tasks", list_of(text())}}))}});
  kit.tools = {
      {"create_task",
       "Creates a pending task and gives it to a user.",
       {user_id, {"title", "Title of the task"}, {"description", "What is to be done", text_or_null, true}},
       create_task},
      {"get_users", "Lists all users with the IDs of their tasks.", {}, get_users},
      {"update_task_status",
       "Sets the status of a task.",
       {task_id, {"status", "The new status", status}},
       update_task_status},
      {"transfer_to_human_agents",
       "Hands the user over to a human agent. Only for users who ask for one, or when neither the policy nor the tools "
       "can solve the issue.",
       {{"summary", "The user's issue in short"}},
       transfer_to_human_agents},
  };
  kit.functions = {
      {"assert_number_of_tasks", "", {user_id, {"expected_number", ""}}, assert_number_of_tasks},
      {"assert_task_status", "", {task_id, {"expected_status", ""}}, assert_task_status},
  };
  return kit;
}

ToolKit user_kit() {
  const Parameter id = {"notification_id", "ID of the notification"};
  ToolKit kit = {.owner = "MockUserTools", .database_class = "MockUserDB"};
  kit.shape = closed_record({{"notifications",
                              map_of(closed_record({{"notification_id", text()},
                                                    {"message", text()},
                                                    {"status", one_of({"unread", "read"}), true, "unread"},
                                                    {"task_id", text(), true}})),
                              true, Json::object()}});
  kit.tools = {
      {"check_notifications", "Shows every notification in your inbox.", {}, check_notifications},
      {"dismiss_notification", "Marks a notification as read.", {id}, dismiss_notification},
  };
  kit.functions = {
      {"add_notification", "", {id, {"message", ""}, {"task_id", "", Json::object(), true}}, add_notification},
      {"assert_notification_status", "", {id, {"expected_status", ""}}, assert_notification_status},
  };
  return kit;
}

}  // namespace

const Domain& mock_domain() {
  static const Domain domain = {"mock", agent_kit(), user_kit()};
  return domain;
}

}  // namespace drawbridge::tau2
