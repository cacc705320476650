//! Constants and f-strings.

use fal_python_analysis::{decimal, tree::Kind};
use ruff_python_ast::{
    ConversionFlag, ExprFString, ExprNumberLiteral, ExprTString, FStringPart, InterpolatedElement,
    InterpolatedStringElement, Number,
};

use super::Lower;

impl<'a> Lower<'a> {
    pub(super) fn number(&mut self, number: &'a ExprNumberLiteral) {
        let kind = match &number.value {
            Number::Int(int) => int
                .as_u64()
                .map_or_else(|| Kind::BigInt(decimal(&int.to_string())), Kind::Int),
            Number::Float(float) => Kind::Float(*float),
            Number::Complex { real, imag } => Kind::Complex(*real, *imag),
        };
        self.leaf(kind, number);
    }

    /// CPython joins adjacent strings and f-strings into one.
    pub(super) fn fstring(&mut self, fstring: &'a ExprFString) {
        let mark = self.builder.open();
        for part in &fstring.value {
            match part {
                FStringPart::Literal(literal) => self.leaf(Kind::Str(&literal.value), literal),
                FStringPart::FString(inner) => inner
                    .elements
                    .iter()
                    .for_each(|element| self.element(element)),
            }
        }
        self.close(mark, Kind::FString, fstring);
    }

    pub(super) fn template(&mut self, template: &'a ExprTString) {
        let mark = self.builder.open();
        template
            .value
            .elements()
            .for_each(|element| self.element(element));
        self.close(mark, Kind::Template, template);
    }

    fn element(&mut self, element: &'a InterpolatedStringElement) {
        match element {
            InterpolatedStringElement::Literal(literal) => {
                self.leaf(Kind::Str(&literal.value), literal)
            }
            InterpolatedStringElement::Interpolation(value) => self.interpolation(value),
        }
    }

    fn interpolation(&mut self, value: &'a InterpolatedElement) {
        let mark = self.builder.open();
        self.expression(&value.expression);
        if let Some(format) = &value.format_spec {
            let mark = self.builder.open();
            format
                .elements
                .iter()
                .for_each(|element| self.element(element));
            self.close_bare(mark, Kind::FString);
        }
        let bare = value.format_spec.is_none() && value.debug_text.is_none();
        let plain = bare && matches!(value.conversion, ConversionFlag::None);
        self.close(mark, Kind::Formatted { plain }, value);
    }
}
