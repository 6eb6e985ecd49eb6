#include "load/run_span.h"

#include <algorithm>
#include <cmath>

namespace drawbridge {

void sort_by_index(std::vector<RequestRecord>& requests) {
  std::sort(requests.begin(), requests.end(),
            [](const RequestRecord& a, const RequestRecord& b) { return a.index < b.index; });
}

void measure_span(LoadRun& run) {
  double first_due_s = kNever;
  double last_due_s = kNever;
  double last_end_s = kNever;
  for (const RequestRecord& record : run.requests) {
    if (record.is_warmup) continue;
    first_due_s = std::fmin(first_due_s, record.due_s);
    last_due_s = std::fmax(last_due_s, record.due_s);
    last_end_s = std::fmax(last_end_s, record.end_s);
  }
  run.arrivals_end_s = std::isnan(last_due_s) ? 0 : last_due_s;
  run.duration_s = std::isnan(last_end_s) ? 0 : last_end_s - first_due_s;
}

}  // namespace drawbridge
