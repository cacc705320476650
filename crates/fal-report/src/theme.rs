//! Colours, or none.

use crate::printed::style;

/// Whether colours are used. The caller decides (terminal, `NO_COLOR`, `--no-color`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Theme {
    /// Use colours.
    pub color: bool,
}

impl Theme {
    /// No colours.
    pub const PLAIN: Self = Self { color: false };
    /// Colours as dbt uses them.
    pub const COLOR: Self = Self { color: true };

    pub(crate) fn green(self, text: &str) -> String {
        self.paint("32", text)
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.paint("31", text)
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.paint("33", text)
    }

    pub(crate) fn cyan(self, text: &str) -> String {
        self.paint("36", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    pub(crate) fn strong_red(self, text: &str) -> String {
        self.paint("31;1", text)
    }

    fn paint(self, parameters: &str, text: &str) -> String {
        if self.color {
            format!("{}{text}{}", style(parameters), style("0"))
        } else {
            text.to_owned()
        }
    }
}
