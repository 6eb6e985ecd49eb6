#include "eval/tau2/record.h"

#include <algorithm>

namespace drawbridge::tau2 {
namespace {

Status wrong(const std::string& source, const std::string& wanted, const Json& found) {
  return fail(Code::kCorrupt, "{}: wanted {}, found {}", source, wanted, dump_json(found).substr(0, 80));
}

Result<Json> normalize_word(const Shape& shape, const Json& data, const std::string& source) {
  if (data.is_string() && std::find(shape.words.begin(), shape.words.end(), data) != shape.words.end()) return data;
  return wrong(source, "one of \"" + fmt::format("{}", fmt::join(shape.words, "\", \"")) + "\"", data);
}

Result<Json> normalize_list(const Shape& shape, const Json& data, const std::string& source) {
  if (!data.is_array()) return wrong(source, "an array", data);
  Json list = Json::array();
  for (size_t i = 0; i < data.size(); ++i) {
    DB_ASSIGN(Json element, normalize(shape.elements[0], data[i], fmt::format("{}[{}]", source, i)));
    list.push_back(std::move(element));
  }
  return list;
}

Result<Json> normalize_map(const Shape& shape, const Json& data, const std::string& source) {
  if (!data.is_object()) return wrong(source, "an object", data);
  Json::object_t map;
  map.reserve(data.size());
  for (const auto& [key, value] : data.items()) {
    DB_ASSIGN(Json element, normalize(shape.elements[0], value, source + "." + key));
    // Appended without a search: the parser has made the keys unique.
    static_cast<std::vector<Json::object_t::value_type>&>(map).emplace_back(key, std::move(element));
  }
  return Json(std::move(map));
}

Status check_no_others(const Shape& shape, const Json& data, const std::string& source) {
  for (const auto& [key, value] : data.items()) {
    const bool known =
        std::any_of(shape.fields.begin(), shape.fields.end(), [&](const Field& f) { return f.name == key; });
    if (!known) return fail(Code::kCorrupt, "{}: member \"{}\" is unknown", source, key.substr(0, 80));
  }
  return Status();
}

Result<Json> normalize_record(const Shape& shape, const Json& data, const std::string& source) {
  if (!data.is_object()) return wrong(source, "an object", data);
  if (!shape.allows_others) DB_TRY(check_no_others(shape, data, source));
  Json out = Json::object();
  for (const Field& field : shape.fields) {
    const auto found = data.find(field.name);
    if (field.optional && (found == data.end() || (found->is_null() && field.fallback.is_null()))) {
      out[field.name] = field.fallback;
      continue;
    }
    if (found == data.end()) return fail(Code::kCorrupt, "{}: member \"{}\" is missing", source, field.name);
    DB_ASSIGN(out[field.name], normalize(field.shape, *found, source + "." + field.name));
  }
  return out;
}

Result<Json> normalize_tagged(const Shape& shape, const Json& data, const std::string& source) {
  if (!data.is_object()) return wrong(source, "an object", data);
  const auto tag = data.find(shape.tag);
  if (tag == data.end()) return fail(Code::kCorrupt, "{}: member \"{}\" is missing", source, shape.tag);
  DB_TRY(normalize_word(shape, *tag, source + "." + shape.tag).status());
  const auto at = std::find(shape.words.begin(), shape.words.end(), *tag) - shape.words.begin();
  return normalize_record(shape.elements[static_cast<size_t>(at)], data, source);
}

}  // namespace

Shape text() {
  return {.kind = Shape::Kind::kText};
}

Shape number() {
  return {.kind = Shape::Kind::kNumber};
}

Shape boolean() {
  return {.kind = Shape::Kind::kBoolean};
}

Shape one_of(std::vector<std::string> words) {
  return {.kind = Shape::Kind::kOneOf, .words = std::move(words)};
}

Shape list_of(Shape element) {
  return {.kind = Shape::Kind::kList, .elements = {std::move(element)}};
}

Shape map_of(Shape element) {
  return {.kind = Shape::Kind::kMap, .elements = {std::move(element)}};
}

Shape record(std::vector<Field> fields) {
  return {.kind = Shape::Kind::kRecord, .fields = std::move(fields)};
}

Shape closed_record(std::vector<Field> fields) {
  return {.kind = Shape::Kind::kRecord, .fields = std::move(fields), .allows_others = false};
}

Result<Json> normalize(const Shape& shape, const Json& data, const std::string& source) {
  switch (shape.kind) {
    case Shape::Kind::kText:
      if (data.is_string()) return data;
      return wrong(source, "a string", data);
    case Shape::Kind::kNumber:
      if (data.is_number()) return Json(data.get<double>());
      return wrong(source, "a number", data);
    case Shape::Kind::kBoolean:
      if (data.is_boolean()) return data;
      return wrong(source, "true or false", data);
    case Shape::Kind::kOneOf:
      return normalize_word(shape, data, source);
    case Shape::Kind::kList:
      return normalize_list(shape, data, source);
    case Shape::Kind::kMap:
      return normalize_map(shape, data, source);
    case Shape::Kind::kRecord:
      return normalize_record(shape, data, source);
    case Shape::Kind::kTagged:
      return normalize_tagged(shape, data, source);
  }
  return fail(Code::kInternal, "{}: unknown shape", source);
}

}  // namespace drawbridge::tau2
