// The domains whose environment is built in.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "eval/tau2/record.h"
#include "eval/tau2/tool.h"

namespace drawbridge::tau2 {

/// One side's database and what may be done to it.
struct ToolKit {
  std::string owner;           // the class of tau2-bench whose errors Python names
  std::string database_class;  // likewise
  Shape shape = {};
  std::vector<Tool> tools = {};      // offered to the model
  std::vector<Tool> functions = {};  // for initialization and assertions only
};

struct Domain {
  std::string name;
  ToolKit agent;
  std::optional<ToolKit> user;  // domains where the simulated user has tools as well
};

/// "mock" or "retail"; kUnsupported names them.
Result<const Domain*> find_domain(const std::string& name);

const Domain& mock_domain();
const Domain& retail_domain();

/// `map[key]`, or the tool's error: `not_found`, or Python's for a key that cannot be looked up.
Result<Json*> look_up(Json& map, const Json& key, const std::string& not_found);

/// Every value of an object, in its order.
Json values_of(const Json& object);

/// The tool's error when one of the arguments is no string (or, of `nullable`, neither string nor null) and so cannot
/// become a member of `record`.
Status check_texts(const std::string& record, const Json& arguments, const std::vector<std::string>& required,
                   const std::vector<std::string>& nullable = {});

}  // namespace drawbridge::tau2
