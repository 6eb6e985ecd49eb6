// The command line: verbs, their options and one line of help each. A verb that does not exist yet is absent.
#pragma once

namespace drawbridge {

/// Runs the verb that argv names; the exit code: 0 done, 1 failed (said on stderr), 2 wrong usage.
int run_command_line(int argc, const char* const* argv);

}  // namespace drawbridge
