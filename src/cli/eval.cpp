// `drawbridge eval ...`: what a system can do, and what a change of it lost.
#include "cli/eval_verbs.h"

namespace drawbridge {

void add_eval(CLI::App& app, Action& action) {
  CLI::App* eval = app.add_subcommand("eval", "measure what a model can do, item by item");
  eval->require_subcommand(1);
  add_eval_run(*eval, action);
  add_eval_compare(*eval, action);
  add_eval_distance(*eval, action);
  add_eval_article(*eval, action);
  add_eval_tau2(*eval, action);
}

}  // namespace drawbridge
