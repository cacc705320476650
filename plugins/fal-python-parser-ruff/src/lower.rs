//! Lowers the tree of ruff_python_parser into the tree of the analysis.

mod ast {
    pub(super) use ruff_python_ast::*;
    pub(super) use ruff_text_size::Ranged;
}

use ast::{
    ConversionFlag, ElifElseClause, ExprContext, FStringPart, InterpolatedElement,
    InterpolatedStringElement, Number, TypeParam,
};
use fal_python_analysis::decimal;

fal_python_analysis::lowering! {
    conditional: If,
    walrus: Named,
    generator: Generator,
    parameter: parameter.name,
    expressions: {
        StringLiteral => string,
        BytesLiteral => bytes,
        NumberLiteral => number,
        BooleanLiteral => boolean,
        NoneLiteral => none,
        EllipsisLiteral => ellipsis,
        IpyEscapeCommand => ipython_command,
        FString => fstring,
        TString => template,
        Call => call,
        Dict => dict,
        DictComp => dict_comprehension,
        Lambda => lambda,
    },
    statements: {
        FunctionDef => function,
        ClassDef => class,
        For => any_for,
        With => any_with,
        Try => any_try,
        If => if_statement,
        ImportFrom => import_from,
    },
    class_pattern: class_pattern,
}

/// Statements of this tree.
impl<'a> Lower<'a> {
    fn function(&mut self, function: &'a ast::StmtFunctionDef) -> Kind<'a> {
        self.arguments(&function.parameters);
        let body = self.block(&function.body);
        let decorators = self.decorators(&function.decorator_list);
        self.optional(&function.returns);
        self.type_params(&function.type_params);
        Kind::FunctionDef {
            name: &function.name,
            is_async: function.is_async,
            body,
            decorators,
        }
    }

    fn class(&mut self, class: &'a ast::StmtClassDef) -> Kind<'a> {
        let arguments = class.arguments.as_deref();
        let bases = arguments.map_or(0, |it| {
            self.expressions(&it.args) + self.keywords(&it.keywords)
        });
        let body = self.block(&class.body);
        self.decorators(&class.decorator_list);
        self.type_params(&class.type_params);
        Kind::ClassDef {
            name: &class.name,
            bases,
            body,
        }
    }

    fn decorators(&mut self, decorators: &'a [ast::Decorator]) -> u32 {
        for decorator in decorators {
            self.expression(&decorator.expression);
        }
        decorators.len() as u32
    }

    fn any_for(&mut self, it: &'a ast::StmtFor) -> Kind<'a> {
        self.for_loop(&it.target, &it.iter, &it.body, &it.orelse)
    }

    fn any_with(&mut self, it: &'a ast::StmtWith) -> Kind<'a> {
        self.with_block(&it.items, &it.body)
    }

    fn any_try(&mut self, it: &'a ast::StmtTry) -> Kind<'a> {
        self.try_block(&it.body, &it.handlers, &it.orelse, &it.finalbody)
    }

    fn if_statement(&mut self, it: &'a ast::StmtIf) -> Kind<'a> {
        self.expression(&it.test);
        let body = self.block(&it.body);
        self.elif(&it.elif_else_clauses);
        Kind::If { body }
    }

    /// Lowers `elif` and `else` as CPython does: an `if` within the `else`.
    fn elif(&mut self, clauses: &'a [ElifElseClause]) {
        let Some((clause, rest)) = clauses.split_first() else {
            return;
        };
        let Some(test) = &clause.test else {
            self.block(&clause.body);
            return;
        };
        let mark = self.builder.open();
        self.expression(test);
        let body = self.block(&clause.body);
        self.elif(rest);
        self.close(mark, Kind::If { body }, clause);
    }

    fn import_from(&mut self, it: &'a ast::StmtImportFrom) -> Kind<'a> {
        self.aliases(&it.names);
        Kind::ImportFrom {
            module: it.module.as_ref().map(|name| name.as_str()),
            level: it.level,
        }
    }

    fn class_pattern(&mut self, pattern: &'a ast::PatternMatchClass) {
        self.patterns(&pattern.arguments.patterns);
        for keyword in &pattern.arguments.keywords {
            self.pattern(&keyword.pattern);
        }
    }

    fn type_params(&mut self, params: &'a Option<Box<ast::TypeParams>>) {
        for param in params.iter().flat_map(|params| &params.type_params) {
            let mark = self.builder.open();
            let (name, bound, default) = match param {
                TypeParam::TypeVar(it) => (&it.name, &it.bound, &it.default),
                TypeParam::ParamSpec(it) => (&it.name, &None, &it.default),
                TypeParam::TypeVarTuple(it) => (&it.name, &None, &it.default),
            };
            self.optional(bound);
            self.optional(default);
            self.close(mark, Kind::TypeParam(name), param);
        }
    }
}

/// Expressions of this tree.
impl<'a> Lower<'a> {
    fn call(&mut self, call: &'a ast::ExprCall) {
        let mark = self.builder.open();
        self.expression(&call.func);
        let args = self.expressions(&call.arguments.args);
        self.keywords(&call.arguments.keywords);
        self.close(mark, Kind::Call { args }, call);
    }

    fn dict(&mut self, dict: &'a ast::ExprDict) {
        let mark = self.builder.open();
        let keys = dict
            .iter_keys()
            .flatten()
            .map(|key| self.expression(key))
            .count();
        dict.iter_values().for_each(|value| self.expression(value));
        let kind = Kind::Dict {
            keys: keys as u32,
            unpack: keys < dict.len(),
        };
        self.close(mark, kind, dict);
    }

    fn dict_comprehension(&mut self, it: &'a ast::ExprDictComp) {
        let key = it.key.as_deref().into_iter();
        let elements: Vec<&ast::Expr> = key.chain([&*it.value]).collect();
        self.comprehension(it, &elements, &it.generators);
    }

    fn lambda(&mut self, lambda: &'a ast::ExprLambda) {
        let mark = self.builder.open();
        match &lambda.parameters {
            Some(parameters) => self.arguments(parameters),
            None => self.close_bare(
                self.builder.open(),
                Kind::Arguments {
                    positional: 0,
                    plain: true,
                },
            ),
        }
        self.expression(&lambda.body);
        self.close(mark, Kind::Lambda, lambda);
    }
}

/// Constants and f-strings.
impl<'a> Lower<'a> {
    fn string(&mut self, string: &'a ast::ExprStringLiteral) {
        self.leaf(Kind::Str(string.value.to_str()), string);
    }

    fn bytes(&mut self, bytes: &'a ast::ExprBytesLiteral) {
        self.leaf(Kind::Bytes(bytes.value.bytes().collect()), bytes);
    }

    fn boolean(&mut self, it: &'a ast::ExprBooleanLiteral) {
        self.leaf(if it.value { Kind::True } else { Kind::False }, it);
    }

    fn none(&mut self, none: &'a ast::ExprNoneLiteral) {
        self.leaf(Kind::None, none);
    }

    fn ellipsis(&mut self, ellipsis: &'a ast::ExprEllipsisLiteral) {
        self.leaf(Kind::Ellipsis, ellipsis);
    }

    /// Only the grammar of notebooks has these, which this parser does not use.
    fn ipython_command(&mut self, command: &'a ast::ExprIpyEscapeCommand) {
        self.leaf(Kind::Ellipsis, command);
    }

    fn number(&mut self, number: &'a ast::ExprNumberLiteral) {
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
    fn fstring(&mut self, fstring: &'a ast::ExprFString) {
        let mark = self.builder.open();
        for part in &fstring.value {
            match part {
                FStringPart::Literal(literal) => self.leaf(Kind::Str(&literal.value), literal),
                FStringPart::FString(inner) => self.elements(&inner.elements),
            }
        }
        self.close(mark, Kind::FString, fstring);
    }

    fn template(&mut self, template: &'a ast::ExprTString) {
        let mark = self.builder.open();
        self.elements(template.value.elements());
        self.close(mark, Kind::Template, template);
    }

    fn elements(&mut self, elements: impl IntoIterator<Item = &'a InterpolatedStringElement>) {
        for element in elements {
            match element {
                InterpolatedStringElement::Literal(literal) => {
                    self.leaf(Kind::Str(&literal.value), literal)
                }
                InterpolatedStringElement::Interpolation(value) => self.interpolation(value),
            }
        }
    }

    fn interpolation(&mut self, value: &'a InterpolatedElement) {
        let mark = self.builder.open();
        self.expression(&value.expression);
        if let Some(format) = &value.format_spec {
            let mark = self.builder.open();
            self.elements(&format.elements);
            self.close_bare(mark, Kind::FString);
        }
        let bare = value.format_spec.is_none() && value.debug_text.is_none();
        let plain = bare && matches!(value.conversion, ConversionFlag::None);
        self.close(mark, Kind::Formatted { plain }, value);
    }
}

fn context(context: &ExprContext) -> Context {
    match context {
        ExprContext::Load | ExprContext::Invalid => Context::Load,
        ExprContext::Store => Context::Store,
        ExprContext::Del => Context::Delete,
    }
}
