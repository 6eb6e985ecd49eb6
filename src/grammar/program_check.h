// What is looked at once a Program is whole: left recursion is refused, dead ends are cut off, and calls at the very
// end of a rule are marked (their Move::to becomes -1).
#pragma once

#include "base/result.h"
#include "grammar/program.h"

namespace drawbridge {

/// kUnsupported: left recursion; kInvalidArgument: the grammar has no text, or a rule is not defined.
Status check_program(Program& program);

}  // namespace drawbridge
