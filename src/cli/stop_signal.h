// SIGINT and SIGTERM while something runs that wants to end in order. One such thing at a time.
#pragma once

namespace drawbridge {

/// From here on the first signal wakes wait_for_stop_signal() and the second ends the process with exit code 1.
void catch_stop_signals();
void wait_for_stop_signal();

}  // namespace drawbridge
