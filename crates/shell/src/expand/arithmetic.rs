//! Calculates arithmetic expressions whose variables are known.

use aegis_types::{Span, UnknownCause, WordPart};

use crate::surroundings::Value;
use crate::walk::Walk;

/// How deeply expressions may stand within each other, values of variables included.
const DEPTH_MAX: u32 = 24;
/// The longest expression that is calculated.
const BYTES_MAX: usize = 1_024;

/// The operators with two sides, from those that bind least.
const LEVELS: [&[&str]; 10] = [
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<=", ">=", "<", ">"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];
const ASSIGNMENTS: [&str; 11] = [
    "<<=", ">>=", "*=", "/=", "%=", "+=", "-=", "&=", "^=", "|=", "=",
];

impl Walk<'_> {
    /// Returns the value of an expression, and sets the variables that it sets.
    ///
    /// Nothing is set if the value cannot be told.
    pub(crate) fn calculate(&mut self, text: &str) -> Option<i64> {
        if text.len() > BYTES_MAX {
            return None;
        }
        if text.trim().is_empty() {
            return Some(0);
        }
        let mark = self.around.mark();
        let mut expression = Expression {
            walk: self,
            rest: text,
            depth: 0,
            is_skipped: false,
            divides_by_nothing: false,
        };
        let value = expression
            .list()
            .filter(|_| expression.rest.trim().is_empty());
        let is_wrong = expression.divides_by_nothing || is_number_and_sign(text);
        if value.is_none() {
            self.around.restore(mark);
        }
        if value.is_none() && is_wrong {
            // The shell drops all that stands with it in one command or list.
            let construct = UnknownCause::Construct("an arithmetic error".to_owned());
            self.note(Span::default(), construct);
        }
        value
    }
}

struct Expression<'e, 't, 'x> {
    walk: &'e mut Walk<'t>,
    rest: &'x str,
    depth: u32,
    /// Whether it is only read, as the other side has decided.
    is_skipped: bool,
    divides_by_nothing: bool,
}

/// Returns whether an expression names nothing whose value may be open.
fn is_number_and_sign(text: &str) -> bool {
    text.chars()
        .all(|it| it.is_ascii_digit() || "+-*/%<>=!&|^~?:,() \t".contains(it))
}

impl<'x> Expression<'_, '_, 'x> {
    fn take(&mut self, sign: &str) -> bool {
        let rest = self.rest.trim_start();
        match rest.strip_prefix(sign) {
            Some(after) => {
                self.rest = after;
                true
            }
            None => false,
        }
    }

    fn list(&mut self) -> Option<i64> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let mut value = self.assignment()?;
        while self.take(",") {
            value = self.assignment()?;
        }
        self.depth -= 1;
        Some(value)
    }

    fn assignment(&mut self) -> Option<i64> {
        let before = self.rest;
        if let Some(name) = self.name() {
            let operator = ASSIGNMENTS.iter().find(|sign| {
                let rest = self.rest.trim_start();
                rest.starts_with(**sign) && !rest.starts_with("==")
            });
            if let Some(sign) = operator {
                self.take(sign);
                let right = self.assignment()?;
                let value = match sign.strip_suffix('=').filter(|sign| !sign.is_empty()) {
                    None => right,
                    Some(sign) => {
                        let left = self.variable_or_zero(name)?;
                        self.applied(sign, left, right)?
                    }
                };
                return Some(self.set(name, value));
            }
        }
        self.rest = before;
        self.choice()
    }

    fn choice(&mut self) -> Option<i64> {
        let test = self.level(0)?;
        if !self.take("?") {
            return Some(test);
        }
        let outer = self.is_skipped;
        self.is_skipped = outer || test == 0;
        let one = self.list()?;
        if !self.take(":") {
            return None;
        }
        self.is_skipped = outer || test != 0;
        let other = self.assignment()?;
        self.is_skipped = outer;
        Some(if test != 0 { one } else { other })
    }

    /// Reads operators of this level and of those that bind more.
    fn level(&mut self, level: usize) -> Option<i64> {
        let Some(signs) = LEVELS.get(level) else {
            return self.power();
        };
        let mut left = self.level(level + 1)?;
        loop {
            let rest = self.rest.trim_start();
            let is_here = |sign: &&&str| {
                rest.strip_prefix(**sign).is_some_and(|after| {
                    let doubles = sign.len() == 1 && after.starts_with(**sign);
                    let assigns =
                        after.starts_with('=') && !matches!(**sign, "==" | "!=" | "<" | ">");
                    let is_other = matches!(**sign, "<" | ">") && after.starts_with('=');
                    !doubles && !assigns && !is_other
                })
            };
            let Some(sign) = signs.iter().find(is_here) else {
                return Some(left);
            };
            self.take(sign);
            let outer = self.is_skipped;
            self.is_skipped |= *sign == "||" && left != 0 || *sign == "&&" && left == 0;
            let right = self.level(level + 1)?;
            self.is_skipped = outer;
            left = self.applied(sign, left, right)?;
        }
    }

    fn applied(&mut self, sign: &str, left: i64, right: i64) -> Option<i64> {
        let shift = || u32::try_from(right).ok().filter(|count| *count < 64);
        if self.is_skipped {
            return Some(0);
        }
        Some(match sign {
            "||" => i64::from(left != 0 || right != 0),
            "&&" => i64::from(left != 0 && right != 0),
            "|" => left | right,
            "^" => left ^ right,
            "&" => left & right,
            "==" => i64::from(left == right),
            "!=" => i64::from(left != right),
            "<=" => i64::from(left <= right),
            ">=" => i64::from(left >= right),
            "<" => i64::from(left < right),
            ">" => i64::from(left > right),
            "<<" => left.checked_shl(shift()?)?,
            ">>" => left.checked_shr(shift()?)?,
            "+" => left.wrapping_add(right),
            "-" => left.wrapping_sub(right),
            "*" => left.wrapping_mul(right),
            "/" | "%" if right == 0 => {
                self.divides_by_nothing |= !self.is_skipped;
                return None;
            }
            "/" => left.checked_div(right)?,
            "%" => left.checked_rem(right)?,
            _ => return None,
        })
    }

    fn power(&mut self) -> Option<i64> {
        let left = self.unary()?;
        if !self.take("**") {
            return Some(left);
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let right = self.power()?;
        self.depth -= 1;
        left.checked_pow(u32::try_from(right).ok()?)
    }

    fn unary(&mut self) -> Option<i64> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let value = if self.take("++") {
            self.changed_first(1)?
        } else if self.take("--") {
            self.changed_first(-1)?
        } else if self.take("!") {
            i64::from(self.unary()? == 0)
        } else if self.take("~") {
            !self.unary()?
        } else if self.take("+") {
            self.unary()?
        } else if self.take("-") {
            self.unary()?.wrapping_neg()
        } else {
            self.operand()?
        };
        self.depth -= 1;
        Some(value)
    }

    fn changed_first(&mut self, by: i64) -> Option<i64> {
        let name = self.name()?;
        let value = self.variable_or_zero(name)?.wrapping_add(by);
        Some(self.set(name, value))
    }

    fn operand(&mut self) -> Option<i64> {
        if self.take("(") {
            let value = self.list()?;
            return self.take(")").then_some(value);
        }
        if let Some(name) = self.name() {
            // An element of an array is not followed.
            if self.rest.starts_with('[') {
                return None;
            }
            let value = self.variable_or_zero(name)?;
            if self.take("++") {
                self.set(name, value.wrapping_add(1));
            } else if self.take("--") {
                self.set(name, value.wrapping_sub(1));
            }
            return Some(value);
        }
        let rest = self.rest.trim_start();
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '#' | '@' | '_');
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (number, after) = rest.split_at_checked(end)?;
        self.rest = after;
        number_of(number)
    }

    fn name(&mut self) -> Option<&'x str> {
        let rest = self.rest.trim_start();
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (name, after) = rest.split_at_checked(end)?;
        if !crate::syntax::is_name(name) {
            return None;
        }
        self.rest = after;
        Some(name)
    }

    /// Returns the value of a variable, whose text is an expression again.
    fn variable_or_zero(&mut self, name: &str) -> Option<i64> {
        if self.is_skipped {
            return Some(0);
        }
        let text = match self.walk.variable(name)? {
            Value::Unset => return Some(0),
            Value::Parts(parts) => match parts.as_ref() {
                [] => return Some(0),
                [WordPart::Literal(text)] => text.clone(),
                _ => return None,
            },
            Value::Elements(_) | Value::Either(_) | Value::Unknown => return None,
        };
        // A value may name itself: what is read is paid for.
        if text.len() > BYTES_MAX || !self.walk.limits.take_read(text.len()) {
            return None;
        }
        if text.trim().is_empty() {
            return Some(0);
        }
        if let Ok(number) = text.trim().parse::<u32>()
            && !text.trim_start().starts_with(['0', '+'])
        {
            return Some(i64::from(number));
        }
        let mut inner = Expression {
            walk: self.walk,
            rest: &text,
            depth: self.depth + 4,
            is_skipped: false,
            divides_by_nothing: false,
        };
        let value = inner.list().filter(|_| inner.rest.trim().is_empty());
        self.divides_by_nothing |= inner.divides_by_nothing;
        value
    }

    fn set(&mut self, name: &str, value: i64) -> i64 {
        if !self.is_skipped {
            let text = WordPart::Literal(value.to_string());
            self.walk.around.set(name, Value::Parts([text].into()));
        }
        value
    }
}

/// Returns the number that `text` writes in one of the ways of the shell.
fn number_of(text: &str) -> Option<i64> {
    if let Some((base, digits)) = text.split_once('#') {
        let base: u32 = base.parse().ok()?;
        return (2..=36)
            .contains(&base)
            .then(|| i64::from_str_radix(digits, base).ok())
            .flatten();
    }
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return i64::from_str_radix(digits, 16).ok();
    }
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    match text.strip_prefix('0').filter(|digits| !digits.is_empty()) {
        Some(digits) => i64::from_str_radix(digits, 8).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<i64>) {
        assert_eq!(Walk::new("").calculate(text), expected, "{text}");
    }

    #[test]
    fn expressions_bind_as_in_the_shell() {
        check("1 + 2 * 3", Some(7));
        check("(1+2)*3", Some(9));
        check("2 ** 3 ** 2", Some(512));
        check("7 % 4 - 1 << 2", Some(8));
        check("1 < 2 && 2 <= 2", Some(1));
        check("0 || 0 ? 5 : 6", Some(6));
        check("-4 + !0 + ~0", Some(-4));
        check("0x10 + 010 + 2#101", Some(29));
        check("x = 3, x += 2, x++ + x", Some(11));
        check("5 & 3 | 8 ^ 1", Some(9));
        check("0 && (y = 1)", Some(0));
        check("", Some(0));
    }

    #[test]
    fn what_cannot_be_told_is_no_number() {
        for text in [
            "unset_here",
            "1 / 0",
            "a[1]",
            "1 +",
            "(1",
            "1 2",
            "09",
            "x = y",
        ] {
            check(text, None);
        }
    }
}
