//! The prototype's menu as a machine: lines in, answers and orders out.

use rust_decimal::Decimal;

use super::register::{Register, parse_rate};

/// The four lines of the menu.
pub(super) const LINES: [&str; 4] = [
    "1 - Increase the consumption rate in kWh",
    "2 - Decrease the consumption rate in kWh",
    "3 - Set the consumption rate in kWh",
    "4 - Leave the program",
];

/// What a menu waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Menu {
    /// One of the four numbers.
    #[default]
    Option,
    /// An amount to raise the rate by.
    Raise,
    /// An amount to lower the rate by.
    Lower,
    /// A new rate.
    Set,
}

/// What came of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Ask for the next thing.
    Ask,
    /// The rate changed; here is a sentence.
    Changed(String),
    /// The entry was wrong; here is what is expected.
    Wrong(String),
    /// Leave.
    Leave,
}

impl Menu {
    /// What to ask.
    pub(super) const fn prompt(self) -> &'static str {
        match self {
            Self::Option => "Option: ",
            Self::Raise => "Increase by how many kWh: ",
            Self::Lower => "Decrease by how many kWh: ",
            Self::Set => "New rate in kWh: ",
        }
    }

    /// Takes a line.
    pub(super) fn take(&mut self, line: &str, register: &mut Register) -> Answer {
        let line = line.trim();
        match *self {
            Self::Option => match line {
                "1" => self.ask(Self::Raise),
                "2" => self.ask(Self::Lower),
                "3" => self.ask(Self::Set),
                "4" => Answer::Leave,
                _ => Answer::Wrong(format!("`{line}` is no option: type 1, 2, 3 or 4")),
            },
            Self::Raise => self.change(line, register, Register::raise),
            Self::Lower => self.change(line, register, Register::lower),
            Self::Set => self.change(line, register, Register::set_rate),
        }
    }

    fn ask(&mut self, next: Self) -> Answer {
        *self = next;
        Answer::Ask
    }

    fn change(
        &mut self,
        line: &str,
        register: &mut Register,
        change: impl FnOnce(&mut Register, Decimal),
    ) -> Answer {
        match parse_rate(line) {
            Err(expected) => Answer::Wrong(expected),
            Ok(amount) => {
                *self = Self::Option;
                change(register, amount);
                Answer::Changed(format!("Consumption rate: {} kWh per second", register.rate()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn check(lines: &[&str], rate: &str, last: &Answer) {
        let mut register = Register::restore(&Value::Null);
        register.set_rate(Decimal::ONE);
        let mut menu = Menu::default();
        let mut answer = Answer::Ask;
        for line in lines {
            answer = menu.take(line, &mut register);
        }
        assert_eq!(register.rate().to_string(), rate, "{lines:?}");
        assert_eq!(&answer, last, "{lines:?}");
    }

    #[test]
    fn the_four_options_do_what_they_say() {
        let changed = |rate| Answer::Changed(format!("Consumption rate: {rate} kWh per second"));
        check(&["1", "0.5"], "1.5", &changed("1.5"));
        check(&["2", "0,25"], "0.75", &changed("0.75"));
        check(&["2", "5"], "0", &changed("0"));
        check(&["3", "12"], "12", &changed("12"));
        check(&["4"], "1", &Answer::Leave);
    }

    #[test]
    fn a_wrong_entry_says_what_is_expected_and_asks_again() {
        check(&["9"], "1", &Answer::Wrong("`9` is no option: type 1, 2, 3 or 4".to_owned()));
        check(
            &["1", "many", "1"],
            "2",
            &Answer::Changed("Consumption rate: 2 kWh per second".into()),
        );
        check(&["3", "-4", "4", "4"], "4", &Answer::Leave);
    }
}
