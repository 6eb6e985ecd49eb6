// Figure: a number of the catalogue with where it is from and when that was so. There is none without both.
//
// In a file a figure is a number, which takes source, date and mark from the object it stands in, or an object
// {"value", "source", "date", "mark", "note"} that states some or all of them itself.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"

namespace drawbridge {

struct Provenance {
  std::string source;  // an address, or a file of this repository
  std::string date;    // 2026-09-19 or 2026-09: when the source was written, or else read
  std::string mark;    // published, list (a price anybody is quoted), measured, inferred, user
  std::string note;    // what else must be known; empty: nothing
};

struct Figure {
  double value = 0;
  Provenance from;
};

/// Whether `date` is a day or a month of the calendar, YYYY-MM-DD or YYYY-MM.
bool is_date(const std::string& date);

/// An error names `where` and the member that is missing or wrong.
Status check_provenance(const Provenance& provenance, const std::string& where);

/// What an object says of itself; what it leaves out is taken from `outer`, except the note.
Result<Provenance> read_provenance(const Json& object, const Provenance& outer, const std::string& where);

/// The figure `key` of `object`: above 0, with its provenance checked.
Result<Figure> read_figure(const Json& object, const char* key, const Provenance& outer, const std::string& where);
/// The same, where it may be absent.
Result<std::optional<Figure>> read_optional_figure(const Json& object, const char* key, const Provenance& outer,
                                                   const std::string& where);

/// {"value", "source", "date", "mark", "note"}.
Json figure_json(const Figure& figure);

}  // namespace drawbridge
