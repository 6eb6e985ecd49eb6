#include "cli/stop_signal.h"

#include <semaphore.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>

namespace drawbridge {
namespace {

sem_t stop_asked;  // sem_post is one of the few calls that a signal handler may make
std::atomic<int> n_signals = 0;

void on_signal(int) {
  if (n_signals++ > 0) ::_exit(1);
  ::sem_post(&stop_asked);
}

}  // namespace

void catch_stop_signals() {
  ::sem_init(&stop_asked, 0, 0);
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

void wait_for_stop_signal() {
  while (::sem_wait(&stop_asked) != 0 && errno == EINTR) {
  }
}

}  // namespace drawbridge
