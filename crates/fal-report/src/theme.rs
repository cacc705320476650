//! Colours, or none.

use owo_colors::{OwoColorize, Style};

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
        self.paint(Style::new().green(), text)
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.paint(Style::new().red(), text)
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.paint(Style::new().yellow(), text)
    }

    pub(crate) fn cyan(self, text: &str) -> String {
        self.paint(Style::new().cyan(), text)
    }

    pub(crate) fn strong_red(self, text: &str) -> String {
        self.paint(Style::new().red().bold(), text)
    }

    fn paint(self, style: Style, text: &str) -> String {
        if self.color { text.style(style).to_string() } else { text.to_owned() }
    }
}
