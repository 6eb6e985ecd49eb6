// Verbs: each file of this folder adds one verb with its options; parsing a verb stores what is to be run.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>

#include "base/result.h"
#include "engine/engine.h"

namespace drawbridge {

using Action = std::function<Status()>;

void add_generate(CLI::App& app, Action& action);
void add_serve(CLI::App& app, Action& action);
void add_chat(CLI::App& app, Action& action);
void add_bench(CLI::App& app, Action& action);
void add_calibrate(CLI::App& app, Action& action);
void add_inspect(CLI::App& app, Action& action);
void add_synth(CLI::App& app, Action& action);
void add_eval(CLI::App& app, Action& action);
void add_convert(CLI::App& app, Action& action);
void add_quantize(CLI::App& app, Action& action);
void add_tune(CLI::App& app, Action& action);
void add_doctor(CLI::App& app, Action& action);
void add_cost(CLI::App& app, Action& action);
void add_prove(CLI::App& app, Action& action);

/// The options of every verb that loads a model; returns --model, which is required.
CLI::Option* add_engine_options(CLI::App& verb, EngineOptions& options);

/// Says on the log whatever is unusual about the loaded model.
void log_notices(const ModelCard& card);

}  // namespace drawbridge
