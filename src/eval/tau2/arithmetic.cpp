#include "eval/tau2/arithmetic.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "eval/tau2/python_values.h"
#include "text/python_json.h"

namespace drawbridge::tau2 {
namespace {

constexpr int kMaxDepth = 100;                      // of parentheses and signs
constexpr double kMaxInteger = 9007199254740992.0;  // 2^53: beyond it a double is no exact integer

struct Number {
  double value = 0;
  bool is_integer = true;
};

Status invalid_syntax() {
  return fail(Code::kInvalidArgument, "invalid syntax (<string>, line 1)");
}

/// Recursive descent over Python's grammar: sum > product > sign > power > atom.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Number> whole() {
    DB_ASSIGN(const Number value, sum());
    if (skip_spaces(); at_ != text_.size()) return invalid_syntax();
    return value;
  }

 private:
  Result<Number> sum() {
    DB_ASSIGN(Number left, product());
    for (;;) {
      const char sign = peek();
      if (sign != '+' && sign != '-') return left;
      ++at_;
      DB_ASSIGN(const Number right, product());
      DB_ASSIGN(left, checked(sign == '+' ? left.value + right.value : left.value - right.value,
                              left.is_integer && right.is_integer));
    }
  }

  Result<Number> product() {
    DB_ASSIGN(Number left, signed_power());
    for (;;) {
      const char sign = peek();
      if ((sign != '*' && sign != '/') || text_.substr(at_, 2) == "**") return left;
      const bool floors = text_.substr(at_, 2) == "//";
      at_ += floors ? 2 : 1;
      DB_ASSIGN(const Number right, signed_power());
      DB_ASSIGN(left, sign == '*' ? checked(left.value * right.value, left.is_integer && right.is_integer)
                                  : divide(left, right, floors));
    }
  }

  Result<Number> signed_power() {
    const char sign = peek();
    if (sign != '+' && sign != '-') return power();
    if (++depth_ > kMaxDepth) return too_deep();
    ++at_;
    DB_ASSIGN(Number value, signed_power());
    --depth_;
    if (sign == '-') value.value = -value.value;
    return value;
  }

  Result<Number> power() {
    DB_ASSIGN(const Number base, atom());
    if (peek() != '*' || text_.substr(at_, 2) != "**") return base;
    at_ += 2;
    DB_ASSIGN(const Number exponent, signed_power());
    if (base.value == 0 && exponent.value < 0) {
      return fail(Code::kInvalidArgument, "0.0 cannot be raised to a negative power");
    }
    const double value = std::pow(base.value, exponent.value);
    if (std::isnan(value)) return fail(Code::kInvalidArgument, "float() argument must be a real number");
    return checked(value, base.is_integer && exponent.is_integer && exponent.value >= 0);
  }

  Result<Number> atom() {
    if (peek() == '(') {
      if (++depth_ > kMaxDepth) return too_deep();
      ++at_;
      DB_ASSIGN(const Number value, sum());
      if (peek() != ')') return invalid_syntax();
      ++at_;
      --depth_;
      return value;
    }
    return literal();
  }

  Result<Number> literal() {
    const size_t begin = at_;
    while (at_ < text_.size() && ((text_[at_] >= '0' && text_[at_] <= '9') || text_[at_] == '.')) ++at_;
    const std::string digits(text_.substr(begin, at_ - begin));
    const auto n_points = std::count(digits.begin(), digits.end(), '.');
    if (digits.empty() || digits == "." || n_points > 1) return invalid_syntax();
    if (n_points == 0 && digits.size() > 1 && digits[0] == '0' && digits.find_first_not_of('0') != std::string::npos) {
      return fail(Code::kInvalidArgument,
                  "leading zeros in decimal integer literals are not permitted; use an 0o prefix for octal integers "
                  "(<string>, line 1)");
    }
    return checked(std::strtod(digits.c_str(), nullptr), n_points == 0);
  }

  static Result<Number> divide(Number left, Number right, bool floors) {
    const bool is_integer = left.is_integer && right.is_integer;
    if (right.value == 0) {
      if (floors) return fail(Code::kInvalidArgument, "integer division or modulo by zero");
      return fail(Code::kInvalidArgument, "{}division by zero", is_integer ? "" : "float ");
    }
    const double quotient = left.value / right.value;
    return floors ? checked(std::floor(quotient), is_integer) : checked(quotient, false);
  }

  static Result<Number> checked(double value, bool is_integer) {
    if (is_integer && std::abs(value) > kMaxInteger) {
      return fail(Code::kInvalidArgument, "integer beyond 2**53 in expression");
    }
    if (std::isinf(value)) return fail(Code::kInvalidArgument, "result too large");
    return Number{value, is_integer};
  }

  static Status too_deep() { return fail(Code::kInvalidArgument, "too many nested parentheses"); }

  void skip_spaces() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  char peek() {
    skip_spaces();
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  std::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<std::string> calculate(std::string_view expression) {
  if (expression.find_first_not_of("0123456789+-*/(). ") != std::string_view::npos) {
    return fail(Code::kInvalidArgument, "Invalid characters in expression");
  }
  DB_ASSIGN(const Number value, Parser(expression).whole());
  return python_float(round_cents(value.value));
}

}  // namespace drawbridge::tau2
