// Languages of JSON numbers written without exponent: those between bounds, multiples, and equals of a number.
#pragma once

#include <string>

#include "base/json.h"
#include "grammar/language.h"

namespace drawbridge {

/// A number, digit by digit: no leading zeros in `whole`, no trailing ones in `fraction`.
struct Decimal {
  bool negative = false;
  std::string whole = "0", fraction = {};

  bool is_zero() const { return whole == "0" && fraction.empty(); }
};

/// kInvalidArgument: not a number; kOutOfRange: more than 400 digits. `where` starts the message.
Result<Decimal> to_decimal(const Json& value, const std::string& where);

class NumberLanguages {
 public:
  explicit NumberLanguages(Languages& languages);

  Languages::Term any() const { return any_; }
  /// 2 and 2.0.
  Languages::Term integer() const { return integer_; }
  Languages::Term with_exponent();
  Languages::Term at_least(const Decimal& bound, bool strictly);
  Languages::Term at_most(const Decimal& bound, bool strictly);
  Languages::Term equal(const Decimal& number);
  /// Of a positive number; kOutOfRange: more than 18 digits.
  Result<Languages::Term> multiple(const Decimal& divisor, const std::string& where);

 private:
  using Term = Languages::Term;

  Term digit(char low, char high);
  Term digits(int64_t min, int64_t max = kUnbounded);
  Term sequence(const std::vector<Term>& parts);
  Term other_than(Term language, Term excluded);
  Term not_zero_digits();
  Term greater_digits(const std::string& digits_of_bound, Term rest, bool same_length);
  Term magnitude_at_least(const Decimal& bound, bool strictly);
  Term fraction_at_least(const std::string& fraction, bool strictly);

  Languages& languages_;
  Term point_ = 0, minus_ = 0, zeros_ = 0, magnitude_ = 0, any_ = 0, integer_ = 0;
};

}  // namespace drawbridge
