#include "cli/commands.h"

#include <fmt/ostream.h>

#include <iostream>

#include "base/log.h"
#include "cli/verbs.h"

namespace drawbridge {
namespace {

int report(const Status& status) {
  if (status.ok()) return 0;
  fmt::print(std::cerr, "drawbridge: {} ({})\n", status.message(), code_name(status.code()));
  return 1;
}

}  // namespace

int run_command_line(int argc, const char* const* argv) {
  if (const Status logging = init_logging(); !logging.ok()) return report(logging);
  CLI::App app("Drawbridge quantizes, serves, proves and measures GLM-5.2-architecture models.", "drawbridge");
  app.require_subcommand(1);
  Action action;
  add_generate(app, action);
  add_serve(app, action);
  add_chat(app, action);
  add_inspect(app, action);
  add_synth(app, action);
  add_convert(app, action);
  add_calibrate(app, action);
  add_quantize(app, action);
  add_tune(app, action);
  add_doctor(app, action);
  add_bench(app, action);
  add_eval(app, action);
  add_prove(app, action);
  add_cost(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return report(action());
}

}  // namespace drawbridge
