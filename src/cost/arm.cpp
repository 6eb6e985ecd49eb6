#include "cost/arm.h"

namespace drawbridge {

Status check_device(const Arm& arm, bool allow_mixed) {
  if (allow_mixed) return {};
  if (!arm.run.device.empty() && arm.run.device != arm.device) {
    return fail(Code::kInvalidArgument,
                "{}: was measured on {}, wanted a run on {}: one device's throughput with another's price is no cost "
                "of either (--allow-mixed-hardware computes it all the same)",
                arm.run.name, arm.run.device, arm.device);
  }
  if (arm.priced_as == arm.device) return {};
  return fail(Code::kInvalidArgument,
              "{}: throughput of {}, price of {}: that is the cost of neither (--allow-mixed-hardware computes it all "
              "the same)",
              arm.run.name, arm.device, arm.priced_as);
}

}  // namespace drawbridge
