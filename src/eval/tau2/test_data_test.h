// The invented data of tests/data/eval/tau2.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "eval/tau2/data_set.h"
#include "eval/tau2/import.h"

namespace drawbridge::tau2 {

inline std::string test_directory() {
  return std::string(DB_SOURCE_DIR) + "/tests/data/eval/tau2";
}

inline DataSet test_data(const std::string& domain) {
  Result<DataSet> data = load_data_set(test_directory(), domain, "");
  EXPECT_TRUE(data.ok()) << data.status().message();
  return std::move(data).value();
}

inline const Task& task_named(const DataSet& data, const std::string& id) {
  for (const Task& task : data.tasks) {
    if (task.id == id) return task;
  }
  ADD_FAILURE() << "no task " << id;
  return data.tasks.front();
}

inline Json golden_results(const std::string& domain) {
  Result<Json> results = read_official_results(test_directory() + "/golden_" + domain + ".json");
  EXPECT_TRUE(results.ok()) << results.status().message();
  return std::move(results).value();
}

}  // namespace drawbridge::tau2
