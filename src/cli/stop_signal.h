// SIGINT and SIGTERM while something runs that wants to end in order: a server as a whole, or one answer of a chat.
// A process uses one of the two.
#pragma once

namespace drawbridge {

/// From here on the first signal wakes wait_for_stop_signal() and the second ends the process with exit code 1.
void catch_stop_signals();
void wait_for_stop_signal();

/// From here on SIGINT is only noted, and a second one before clear_interrupt() ends the process with exit code 130.
void catch_interrupts();
bool interrupted();
void clear_interrupt();

}  // namespace drawbridge
