// `drawbridge inspect`: what a model directory holds.
#include <iostream>

#include "cli/verbs.h"
#include "inspect/report.h"

namespace drawbridge {
namespace {

struct InspectOptions {
  std::string directory;
  bool json = false;
};

Status run_inspect(const InspectOptions& o, std::ostream& out) {
  DB_ASSIGN(const Inspection found, inspect_directory(o.directory));
  out << (o.json ? dump_json(inspection_json(found)) + "\n" : inspection_text(found));
  return Status();
}

}  // namespace

void add_inspect(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("inspect", "what a model directory holds; reads config.json and headers only");
  const auto o = std::make_shared<InspectOptions>();
  verb->add_option("directory", o->directory, "HuggingFace directory of a glm_moe_dsa model")->required();
  verb->add_flag("--json", o->json, "one JSON object, numbers exact, lists in full");
  verb->callback([o, &action] { action = [o] { return run_inspect(*o, std::cout); }; });
}

}  // namespace drawbridge
