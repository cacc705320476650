//! Expressions.

use fal_python_analysis::tree::{Binary, Context, Kind, Unary};
use rustpython_parser::ast::{
    Arguments, BoolOp, CmpOp, Comprehension, Constant, ConversionFlag, Expr, ExprCall, ExprCompare,
    ExprContext, ExprDict, ExprFormattedValue, ExprLambda, Keyword, Operator, Ranged, UnaryOp,
};

use super::Lower;

impl<'a> Lower<'a> {
    pub(super) fn expressions(&mut self, all: &'a [Expr]) -> u32 {
        for one in all {
            self.expression(one);
        }
        all.len() as u32
    }

    pub(super) fn optional(&mut self, expression: &'a Option<Box<Expr>>) -> bool {
        if let Some(expression) = expression {
            self.expression(expression);
        }
        expression.is_some()
    }

    pub(super) fn expression(&mut self, expression: &'a Expr) {
        let mark = self.builder.open();
        let kind = match expression {
            Expr::Constant(it) => return self.leaf(constant(&it.value), it),
            Expr::Name(it) => return self.leaf(Kind::Name(&it.id, context(&it.ctx)), it),
            Expr::Call(it) => return self.call(it),
            Expr::Dict(it) => return self.dict(it),
            Expr::Lambda(it) => return self.lambda(it),
            Expr::Compare(it) => return self.compare(it),
            Expr::FormattedValue(it) => return self.formatted(it),
            Expr::ListComp(it) => return self.comprehension(it, &[&it.elt], &it.generators),
            Expr::SetComp(it) => return self.comprehension(it, &[&it.elt], &it.generators),
            Expr::GeneratorExp(it) => return self.comprehension(it, &[&it.elt], &it.generators),
            Expr::DictComp(it) => {
                return self.comprehension(it, &[&it.key, &it.value], &it.generators)
            }
            Expr::Attribute(it) => {
                self.expression(&it.value);
                Kind::Attribute(&it.attr)
            }
            Expr::Subscript(it) => {
                self.expression(&it.value);
                self.expression(&it.slice);
                Kind::Subscript
            }
            Expr::Slice(it) => {
                self.optional(&it.lower);
                self.optional(&it.upper);
                self.optional(&it.step);
                Kind::Slice
            }
            Expr::Starred(it) => {
                self.expression(&it.value);
                Kind::Starred
            }
            Expr::List(it) => {
                self.expressions(&it.elts);
                Kind::List
            }
            Expr::Tuple(it) => {
                self.expressions(&it.elts);
                Kind::Tuple
            }
            Expr::Set(it) => {
                self.expressions(&it.elts);
                Kind::Set
            }
            Expr::IfExp(it) => {
                self.expression(&it.test);
                self.expression(&it.body);
                self.expression(&it.orelse);
                Kind::IfExp
            }
            Expr::BoolOp(it) => {
                self.expressions(&it.values);
                if matches!(it.op, BoolOp::And) {
                    Kind::And
                } else {
                    Kind::Or
                }
            }
            Expr::BinOp(it) => {
                self.expression(&it.left);
                self.expression(&it.right);
                Kind::Binary(if matches!(it.op, Operator::Add) {
                    Binary::Add
                } else {
                    Binary::Other
                })
            }
            Expr::UnaryOp(it) => {
                self.expression(&it.operand);
                Kind::Unary(unary(&it.op))
            }
            Expr::NamedExpr(it) => {
                self.expression(&it.target);
                self.expression(&it.value);
                Kind::NamedExpr
            }
            Expr::Await(it) => {
                self.expression(&it.value);
                Kind::Await
            }
            Expr::Yield(it) => {
                self.optional(&it.value);
                Kind::Yield
            }
            Expr::YieldFrom(it) => {
                self.expression(&it.value);
                Kind::Yield
            }
            Expr::JoinedStr(it) => {
                self.expressions(&it.values);
                Kind::FString
            }
        };
        self.close(mark, kind, expression);
    }

    fn call(&mut self, call: &'a ExprCall) {
        let mark = self.builder.open();
        self.expression(&call.func);
        let args = self.expressions(&call.args);
        self.keywords(&call.keywords);
        self.close(mark, Kind::Call { args }, call);
    }

    pub(super) fn keywords(&mut self, keywords: &'a [Keyword]) -> u32 {
        for keyword in keywords {
            let mark = self.builder.open();
            self.expression(&keyword.value);
            self.close(
                mark,
                Kind::Keyword(keyword.arg.as_ref().map(|name| name.as_str())),
                keyword,
            );
        }
        keywords.len() as u32
    }

    fn dict(&mut self, dict: &'a ExprDict) {
        let mark = self.builder.open();
        let keys = dict
            .keys
            .iter()
            .flatten()
            .map(|key| self.expression(key))
            .count() as u32;
        self.expressions(&dict.values);
        let unpack = dict.keys.iter().any(Option::is_none);
        self.close(mark, Kind::Dict { keys, unpack }, dict);
    }

    fn lambda(&mut self, lambda: &'a ExprLambda) {
        let mark = self.builder.open();
        self.arguments(&lambda.args);
        self.expression(&lambda.body);
        self.close(mark, Kind::Lambda, lambda);
    }

    fn compare(&mut self, compare: &'a ExprCompare) {
        let mark = self.builder.open();
        self.expression(&compare.left);
        self.expressions(&compare.comparators);
        let kind = Kind::Compare {
            equal: compare.ops == [CmpOp::Eq],
            unequal: compare.ops == [CmpOp::NotEq],
        };
        self.close(mark, kind, compare);
    }

    fn formatted(&mut self, value: &'a ExprFormattedValue) {
        let mark = self.builder.open();
        self.expression(&value.value);
        let format = self.optional(&value.format_spec);
        let plain = !format && matches!(value.conversion, ConversionFlag::None);
        self.close(mark, Kind::Formatted { plain }, value);
    }

    fn comprehension(
        &mut self,
        node: &impl Ranged,
        elements: &[&'a Expr],
        generators: &'a [Comprehension],
    ) {
        let mark = self.builder.open();
        for element in elements {
            self.expression(element);
        }
        for generator in generators {
            let mark = self.builder.open();
            self.expression(&generator.target);
            self.expression(&generator.iter);
            self.expressions(&generator.ifs);
            self.close_bare(mark, Kind::Generator);
        }
        self.close(
            mark,
            Kind::Comprehension {
                elements: elements.len() as u32,
            },
            node,
        );
    }

    pub(super) fn arguments(&mut self, arguments: &'a Arguments) {
        let mark = self.builder.open();
        let positional = arguments.posonlyargs.iter().chain(&arguments.args);
        positional.clone().for_each(|arg| self.argument(&arg.def));
        arguments.vararg.iter().for_each(|arg| self.argument(arg));
        arguments
            .kwonlyargs
            .iter()
            .for_each(|arg| self.argument(&arg.def));
        arguments.kwonlyargs.iter().for_each(|arg| {
            self.optional(&arg.default);
        });
        arguments.kwarg.iter().for_each(|arg| self.argument(arg));
        positional.for_each(|arg| {
            self.optional(&arg.default);
        });
        let positional = (arguments.posonlyargs.len() + arguments.args.len()) as u32;
        let plain = arguments.vararg.is_none()
            && arguments.kwonlyargs.is_empty()
            && arguments.kwarg.is_none();
        self.close_bare(mark, Kind::Arguments { positional, plain });
    }

    fn argument(&mut self, argument: &'a rustpython_parser::ast::Arg) {
        let mark = self.builder.open();
        self.optional(&argument.annotation);
        self.close(mark, Kind::Arg(&argument.arg), argument);
    }
}

fn constant(value: &Constant) -> Kind<'_> {
    match value {
        Constant::None => Kind::None,
        Constant::Bool(true) => Kind::True,
        Constant::Bool(false) => Kind::False,
        Constant::Str(text) => Kind::Str(text),
        Constant::Bytes(bytes) => Kind::Bytes(bytes.clone()),
        Constant::Int(int) => {
            u64::try_from(int).map_or_else(|_| Kind::BigInt(int.to_string()), Kind::Int)
        }
        Constant::Float(float) => Kind::Float(*float),
        Constant::Complex { real, imag } => Kind::Complex(*real, *imag),
        // The parser makes no tuple constants; only an optimiser would.
        Constant::Ellipsis | Constant::Tuple(_) => Kind::Ellipsis,
    }
}

fn context(context: &ExprContext) -> Context {
    match context {
        ExprContext::Load => Context::Load,
        ExprContext::Store => Context::Store,
        ExprContext::Del => Context::Delete,
    }
}

fn unary(op: &UnaryOp) -> Unary {
    match op {
        UnaryOp::Invert => Unary::Invert,
        UnaryOp::Not => Unary::Not,
        UnaryOp::UAdd => Unary::Plus,
        UnaryOp::USub => Unary::Minus,
    }
}
