#include "grammar/number_language.h"

#include <charconv>

namespace drawbridge {
namespace {

constexpr int kMaxDigits = 400;

}  // namespace

Result<Decimal> to_decimal(const Json& value, const std::string& where) {
  if (!value.is_number())
    return fail(Code::kInvalidArgument, "{}: wanted a number, found {}", where, value.type_name());
  std::string text = dump_json(value);  // the shortest text that reads back as this number
  Decimal out;
  out.negative = text[0] == '-';
  if (out.negative) text.erase(0, 1);
  int exponent = 0;
  if (const size_t e = text.find('e'); e != std::string::npos) {
    const size_t from = text[e + 1] == '+' ? e + 2 : e + 1;
    std::from_chars(text.data() + from, text.data() + text.size(), exponent);
    text.resize(e);
  }
  const size_t point = std::min(text.find('.'), text.size());
  int n_whole = static_cast<int>(point) + exponent;
  if (point < text.size()) text.erase(point, 1);
  if (n_whole <= 0) {
    text.insert(0, static_cast<size_t>(1 - n_whole), '0');
    n_whole = 1;
  }
  if (n_whole > kMaxDigits || text.size() > kMaxDigits) {
    return fail(Code::kOutOfRange, "{}: wanted a number of at most {} digits, found more", where, kMaxDigits);
  }
  text.resize(std::max(text.size(), static_cast<size_t>(n_whole)), '0');
  out.whole = text.substr(0, static_cast<size_t>(n_whole));
  out.whole.erase(0, std::min(out.whole.find_first_not_of('0'), out.whole.size() - 1));
  out.fraction = text.substr(static_cast<size_t>(n_whole));
  out.fraction.erase(out.fraction.find_last_not_of('0') + 1);
  return out;
}

NumberLanguages::NumberLanguages(Languages& languages) : languages_(languages) {
  point_ = languages_.text(".");
  minus_ = languages_.repeat(languages_.text("-"), 0, 1);
  zeros_ = languages_.repeat(digit('0', '0'), 0, kUnbounded);
  const Term whole = languages_.either({digit('0', '0'), sequence({digit('1', '9'), digits(0)})});
  magnitude_ = sequence({whole, languages_.repeat(sequence({point_, digits(1)}), 0, 1)});
  any_ = sequence({minus_, magnitude_});
  const Term no_fraction = sequence({point_, languages_.repeat(digit('0', '0'), 1, kUnbounded)});
  integer_ = sequence({minus_, whole, languages_.repeat(no_fraction, 0, 1)});
}

NumberLanguages::Term NumberLanguages::digit(char low, char high) {
  return languages_.set({{static_cast<char32_t>(low), static_cast<char32_t>(high)}});
}

NumberLanguages::Term NumberLanguages::digits(int64_t min, int64_t max) {
  return languages_.repeat(digit('0', '9'), min, max);
}

NumberLanguages::Term NumberLanguages::sequence(const std::vector<Term>& parts) {
  Term out = languages_.empty();
  for (size_t i = parts.size(); i-- > 0;) out = languages_.sequence(parts[i], out);
  return out;
}

NumberLanguages::Term NumberLanguages::other_than(Term language, Term excluded) {
  return languages_.both({language, languages_.without(excluded)});
}

NumberLanguages::Term NumberLanguages::not_zero_digits() {
  return sequence({zeros_, digit('1', '9'), digits(0)});
}

/// Digits that differ from the bound's first by a greater one, then as many others (or any number) and `rest`.
NumberLanguages::Term NumberLanguages::greater_digits(const std::string& bound, Term rest, bool same_length) {
  std::vector<Term> ways;
  for (size_t i = 0; i < bound.size(); ++i) {
    if (bound[i] == '9') continue;
    const auto n_left = static_cast<int64_t>(bound.size() - i) - 1;
    ways.push_back(sequence({languages_.text(bound.substr(0, i)), digit(static_cast<char>(bound[i] + 1), '9'),
                             same_length ? digits(n_left, n_left) : digits(0), rest}));
  }
  return languages_.either(std::move(ways));
}

NumberLanguages::Term NumberLanguages::fraction_at_least(const std::string& fraction, bool strictly) {
  if (fraction.empty()) {
    return strictly ? sequence({point_, not_zero_digits()}) : languages_.repeat(sequence({point_, digits(1)}), 0, 1);
  }
  const Term equal = sequence({languages_.text(fraction), strictly ? not_zero_digits() : digits(0)});
  return sequence({point_, languages_.either({greater_digits(fraction, languages_.empty(), false), equal})});
}

NumberLanguages::Term NumberLanguages::magnitude_at_least(const Decimal& bound, bool strictly) {
  const Term any_fraction = fraction_at_least("", false);
  const auto n = static_cast<int64_t>(bound.whole.size());
  return languages_.either({sequence({digit('1', '9'), digits(n), any_fraction}),
                            greater_digits(bound.whole, any_fraction, true),
                            sequence({languages_.text(bound.whole), fraction_at_least(bound.fraction, strictly)})});
}

NumberLanguages::Term NumberLanguages::with_exponent() {
  const Term sign = languages_.repeat(languages_.set({{'+', '+'}, {'-', '-'}}), 0, 1);
  return sequence({any_, languages_.set({{'E', 'E'}, {'e', 'e'}}), sign, digits(1)});
}

NumberLanguages::Term NumberLanguages::at_least(const Decimal& bound, bool strictly) {
  const Term minus = languages_.text("-");
  if (bound.negative && !bound.is_zero()) {
    return languages_.either(
        {magnitude_, sequence({minus, other_than(magnitude_, magnitude_at_least(bound, !strictly))})});
  }
  const Term positive = magnitude_at_least(bound, strictly);
  if (strictly || !bound.is_zero()) return positive;
  return languages_.either({positive, sequence({minus, other_than(magnitude_, magnitude_at_least(bound, true))})});
}

NumberLanguages::Term NumberLanguages::at_most(const Decimal& bound, bool strictly) {
  return other_than(any_, at_least(bound, !strictly));
}

NumberLanguages::Term NumberLanguages::equal(const Decimal& number) {
  const Term point_zeros = sequence({point_, digit('0', '0'), zeros_});
  const Term fraction = number.fraction.empty() ? languages_.repeat(point_zeros, 0, 1)
                                                : sequence({point_, languages_.text(number.fraction), zeros_});
  const Term sign = number.is_zero() ? minus_ : languages_.text(number.negative ? "-" : "");
  return sequence({sign, languages_.text(number.whole), fraction});
}

Result<Languages::Term> NumberLanguages::multiple(const Decimal& divisor, const std::string& where) {
  const std::string digits = divisor.whole + divisor.fraction;
  if (divisor.negative || divisor.is_zero()) {
    return fail(Code::kInvalidArgument, "{}: wanted a number above 0", where);
  }
  int64_t value = 0;
  if (digits.size() > 18)
    return fail(Code::kOutOfRange, "{}: wanted at most 18 digits, found {}", where, digits.size());
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const Term unsigned_multiple = languages_.multiple(value, static_cast<int64_t>(divisor.fraction.size()));
  return languages_.both({any_, sequence({minus_, unsigned_multiple})});
}

}  // namespace drawbridge
