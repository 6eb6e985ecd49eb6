// api_runner PROGRAM MODEL PATH...: plays .test files (or the folders that hold them) against `PROGRAM serve`, one
// server for each set of server arguments. Exit code: 0 all met, 1 not, 2 wrong usage or a file that cannot be read.
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "api/play.h"
#include "api/server_process.h"
#include "base/mapped_file.h"

namespace drawbridge::api {
namespace {

constexpr size_t kMaxScriptBytes = 1 << 20;

struct Totals {
  int n_scripts = 0;
  int n_requests = 0;
  int n_expectations = 0;
  size_t n_failures = 0;
};

Result<std::vector<std::string>> find_files(const std::vector<std::string>& paths) {
  namespace fs = std::filesystem;
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (fs::is_regular_file(path, error)) files.push_back(path);
    if (!fs::is_directory(path, error)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(path, error)) {
      if (entry.path().extension() == ".test") files.push_back(entry.path().string());
    }
  }
  if (files.empty()) return fail(Code::kNotFound, "{}: wanted .test files, found none", fmt::join(paths, ", "));
  std::sort(files.begin(), files.end());
  return files;
}

using ScriptsByServer = std::map<std::vector<std::string>, std::vector<Script>>;

Result<ScriptsByServer> read_scripts(const std::vector<std::string>& files) {
  ScriptsByServer scripts;
  for (const std::string& file : files) {
    DB_ASSIGN(const std::string text, read_text_file(file, kMaxScriptBytes));
    DB_ASSIGN(Script script, parse_script(text, file));
    const std::vector<std::string> arguments = script.server_arguments;
    scripts[arguments].push_back(std::move(script));
  }
  return scripts;
}

void play_one(const Script& script, const Url& url, Totals& totals) {
  const Outcome outcome = play(script, url);
  ++totals.n_scripts;
  totals.n_requests += outcome.n_requests;
  totals.n_expectations += outcome.n_expectations;
  totals.n_failures += outcome.failures.size();
  if (!outcome.failures.empty()) fmt::print("FAILED {}\n{}", script.title, describe(script, outcome));
}

Status play_all(const std::string& program, const std::string& model, const ScriptsByServer& scripts, Totals& totals) {
  for (const auto& [own_arguments, some] : scripts) {
    std::vector<std::string> arguments = {"--model", model};
    arguments.insert(arguments.end(), own_arguments.begin(), own_arguments.end());
    DB_ASSIGN(const auto server, ServerProcess::start(program, arguments));
    for (const Script& script : some) play_one(script, server->url(), totals);
    if (const int code = server->stop(); code != 0) {
      return fail(Code::kInternal, "drawbridge serve ended with exit code {}; its log:\n{}", code, server->log());
    }
  }
  return Status();
}

int run(const std::vector<std::string>& words) {
  if (words.size() < 3) {
    fmt::print(stderr, "usage: api_runner PROGRAM MODEL PATH...\n");
    return 2;
  }
  Totals totals;
  const auto files = find_files({words.begin() + 2, words.end()});
  const auto scripts = files.ok() ? read_scripts(*files) : Result<ScriptsByServer>(files.status());
  const Status played = scripts.ok() ? play_all(words[0], words[1], *scripts, totals) : scripts.status();
  if (!played.ok()) fmt::print(stderr, "api_runner: {}\n", played.message());
  fmt::print("{} scripts, {} requests, {} expectations, {} failures\n", totals.n_scripts, totals.n_requests,
             totals.n_expectations, totals.n_failures);
  if (!scripts.ok()) return 2;
  return played.ok() && totals.n_failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace drawbridge::api

int main(int argc, char** argv) {
  return drawbridge::api::run({argv + 1, argv + argc});
}
