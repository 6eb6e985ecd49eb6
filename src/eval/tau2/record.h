// The shape of a database's records, and data brought into it: members in the order of the shape, absent optional
// ones as null, numbers as floats. Two databases of one shape are equal exactly if their JSON is.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace drawbridge::tau2 {

struct Field;

struct Shape {
  enum class Kind { kText, kNumber, kBoolean, kOneOf, kList, kMap, kRecord, kTagged };

  Kind kind = Kind::kText;
  std::vector<std::string> words = {};  // kOneOf: what the text may be; kTagged: the tag of each element
  std::vector<Shape> elements = {};     // kList, kMap: the one of all members; kTagged: a record for each tag
  std::vector<Field> fields = {};       // kRecord
  std::string tag = {};                 // kTagged: the member that says which record it is
  bool allows_others = true;            // kRecord: other members are dropped; false: they are an error
};

struct Field {
  std::string name;
  Shape shape;
  bool optional = false;   // may be absent, and null if fallback is
  Json fallback = Json();  // of an absent member
};

Shape text();
Shape number();
Shape boolean();
Shape one_of(std::vector<std::string> words);
Shape list_of(Shape element);
Shape map_of(Shape element);
Shape record(std::vector<Field> fields);
/// As record, but a member that is not among `fields` is an error.
Shape closed_record(std::vector<Field> fields);

/// `source` starts every message and grows by the path of the member.
Result<Json> normalize(const Shape& shape, const Json& data, const std::string& source);

}  // namespace drawbridge::tau2
