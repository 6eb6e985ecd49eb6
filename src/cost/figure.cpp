#include "cost/figure.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/json_members.h"

namespace drawbridge {
namespace {

constexpr std::array<const char*, 5> kMarks = {"published", "list", "measured", "inferred", "user"};

/// The number at [from, from + n) of a text of digits there; -1 if it is not one.
int digits_at(const std::string& text, size_t from, size_t n) {
  int value = 0;
  for (size_t i = from; i < from + n; ++i) {
    if (i >= text.size() || text[i] < '0' || text[i] > '9') return -1;
    value = 10 * value + (text[i] - '0');
  }
  return value;
}

int days_of_month(int year, int month) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return kDays[static_cast<size_t>(month - 1)] + (month == 2 && leap ? 1 : 0);
}

Result<std::string> text_or(const Json& object, const char* key, const std::string& fallback,
                            const std::string& where) {
  return object.contains(key) ? string_member(object, key, where) : Result<std::string>(fallback);
}

}  // namespace

bool is_date(const std::string& date) {
  if (date.size() != 7 && date.size() != 10) return false;
  const int year = digits_at(date, 0, 4), month = digits_at(date, 5, 2);
  if (year < 1000 || date[4] != '-' || month < 1 || month > 12) return false;
  if (date.size() == 7) return true;
  const int day = digits_at(date, 8, 2);
  return date[7] == '-' && day >= 1 && day <= days_of_month(year, month);
}

Status check_provenance(const Provenance& p, const std::string& where) {
  if (p.source.empty()) {
    return fail(Code::kInvalidArgument, "{}: wanted a \"source\", found none: a figure without one is not used", where);
  }
  if (p.date.empty()) {
    return fail(Code::kInvalidArgument, "{}: wanted a \"date\", found none: a figure without one is not used", where);
  }
  if (!is_date(p.date)) {
    return fail(Code::kInvalidArgument, "{}: date: wanted YYYY-MM-DD or YYYY-MM, found \"{}\"", where, p.date);
  }
  if (std::find(kMarks.begin(), kMarks.end(), p.mark) != kMarks.end()) return {};
  return fail(Code::kInvalidArgument, "{}: mark: wanted published, list, measured, inferred or user, found \"{}\"",
              where, p.mark);
}

Result<Provenance> read_provenance(const Json& object, const Provenance& outer, const std::string& where) {
  Provenance p;
  DB_ASSIGN(p.source, text_or(object, "source", outer.source, where));
  DB_ASSIGN(p.date, text_or(object, "date", outer.date, where));
  DB_ASSIGN(p.mark, text_or(object, "mark", outer.mark, where));
  DB_ASSIGN(p.note, text_or(object, "note", "", where));
  return p;
}

Result<Figure> read_figure(const Json& object, const char* key, const Provenance& outer, const std::string& where) {
  const std::string here = where + ": " + key;
  DB_ASSIGN(const Json* found, member(object, key, where));
  Figure figure{0, outer};
  figure.from.note.clear();
  if (found->is_object()) {
    DB_ASSIGN(figure.value, number_member(*found, "value", here));
    DB_ASSIGN(figure.from, read_provenance(*found, outer, here));
  } else {
    DB_ASSIGN(figure.value, number_member(object, key, where));
  }
  if (!std::isfinite(figure.value) || figure.value <= 0) {
    return fail(Code::kInvalidArgument, "{}: wanted a number above 0, found {}", here, figure.value);
  }
  DB_TRY(check_provenance(figure.from, here));
  return figure;
}

Result<std::optional<Figure>> read_optional_figure(const Json& object, const char* key, const Provenance& outer,
                                                   const std::string& where) {
  if (!object.contains(key)) return std::optional<Figure>();
  DB_ASSIGN(Figure figure, read_figure(object, key, outer, where));
  return std::optional<Figure>(std::move(figure));
}

Json figure_json(const Figure& figure) {
  Json json = {
      {"value", figure.value}, {"source", figure.from.source}, {"date", figure.from.date}, {"mark", figure.from.mark}};
  if (!figure.from.note.empty()) json["note"] = figure.from.note;
  return json;
}

}  // namespace drawbridge
