#include "eval/tau2/domain.h"

#include "eval/tau2/python_values.h"

namespace drawbridge::tau2 {

Result<const Domain*> find_domain(const std::string& name) {
  for (const Domain* domain : {&mock_domain(), &retail_domain()}) {
    if (domain->name == name) return domain;
  }
  return fail(Code::kUnsupported,
              "domain \"{}\": wanted mock or retail; results of the official harness for other domains are read by "
              "`drawbridge eval tau2-import`",
              name);
}

Result<Json*> look_up(Json& map, const Json& key, const std::string& not_found) {
  if (key.is_structured()) return fail(Code::kInvalidArgument, "unhashable type: '{}'", python_type(key));
  if (!key.is_string()) return fail(Code::kNotFound, "{}", not_found);
  const auto found = map.find(key.get_ref<const std::string&>());
  if (found == map.end()) return fail(Code::kNotFound, "{}", not_found);
  return &*found;
}

Json values_of(const Json& object) {
  Json values = Json::array();
  for (const Json& value : object) values.push_back(value);
  return values;
}

Status check_texts(const std::string& record, const Json& arguments, const std::vector<std::string>& required,
                   const std::vector<std::string>& nullable) {
  std::string lines;
  int n_errors = 0;
  const auto check = [&](const std::string& name, bool may_be_null) {
    const Json& value = arguments[name];
    if (value.is_string() || (may_be_null && value.is_null())) return;
    ++n_errors;
    lines += fmt::format("\n{}\n  Input should be a valid string [type=string_type, input_type={}]", name,
                         python_type(value));
  };
  for (const std::string& name : required) check(name, false);
  for (const std::string& name : nullable) check(name, true);
  if (n_errors == 0) return Status();
  return fail(Code::kInvalidArgument, "{} validation error{} for {}{}", n_errors, n_errors == 1 ? "" : "s", record,
              lines);
}

}  // namespace drawbridge::tau2
