// One question of a task, ready to be asked.
#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"

namespace drawbridge {

struct EvalItem {
  std::string id;
  std::string cluster;   // items of one question over seeds share it; empty: id
  Json messages;         // OpenAI form; null: `prompt` is continued as it stands
  std::string prompt;    // of a raw completion
  std::string expected;  // the answer, as the task's scorer compares it
  int64_t trial = 0;
};

}  // namespace drawbridge
