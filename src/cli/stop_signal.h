// SIGINT and SIGTERM while something runs that wants to end in order: a server as a whole, or one answer of a chat.
// A process uses one of the two.
#pragma once

#include <chrono>

namespace drawbridge {

enum class Signal { kNone, kStop, kReload };

/// From here on the first SIGINT or SIGTERM is told by wait_for_signal(), and the second ends the process with exit
/// code 1. SIGHUP asks for a reload.
void catch_stop_signals();
/// The same as a first SIGTERM, from any thread; a SIGTERM that follows does not end the process yet.
void ask_to_stop();
/// The next signal; kNone when `limit` passed first.
Signal wait_for_signal(std::chrono::seconds limit);

/// From here on SIGINT is only noted, and a second one before clear_interrupt() ends the process with exit code 130.
void catch_interrupts();
bool interrupted();
void clear_interrupt();

}  // namespace drawbridge
