// Fields that OpenAI, vLLM or sglang know and we do not act on. A value that asks for nothing (the other server's
// default) is accepted; any other is refused, because the answer would silently not be what was asked for.
#pragma once

#include "server/fields.h"

namespace drawbridge {

/// kUnsupported, naming the first such field.
Status refuse_unsupported_fields(Fields& fields);

}  // namespace drawbridge
