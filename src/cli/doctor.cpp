// `drawbridge doctor`: machine, kernels, plans, and what is missing.
#include <iostream>

#include "cli/verbs.h"
#include "tune/doctor.h"

namespace drawbridge {
namespace {

struct DoctorArguments {
  EngineOptions engine;
  bool json = false;
};

Status run_doctor(const DoctorArguments& o, std::ostream& out) {
  DB_ASSIGN(const DoctorReport report, doctor(o.engine));
  out << (o.json ? dump_json(doctor_json(report)) + "\n" : doctor_text(report));
  if (!o.engine.strict || report.missing().empty()) return Status();
  return fail(Code::kNotFound, "--strict: {} products have no measured or imported plan", report.missing().size());
}

}  // namespace

void add_doctor(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("doctor", "this machine, its kernels, a model's plans, and what is missing");
  const auto o = std::make_shared<DoctorArguments>();
  add_engine_options(*verb, o->engine)->required(false);
  verb->add_option("--max-running", o->engine.max_running, "as for serve")->capture_default_str();
  verb->add_flag("--json", o->json, "everything as one JSON object");
  verb->callback([o, &action] { action = [o] { return run_doctor(*o, std::cout); }; });
}

}  // namespace drawbridge
