//! Expressions.

use fal_python_analysis::tree::{Binary, Context, Kind, Unary};
use ruff_python_ast::{
    BoolOp, CmpOp, Comprehension, Expr, ExprCall, ExprCompare, ExprContext, ExprDict, ExprLambda,
    Keyword, Operator, Parameter, Parameters, UnaryOp,
};
use ruff_text_size::Ranged;

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
            Expr::StringLiteral(it) => return self.leaf(Kind::Str(it.value.to_str()), it),
            Expr::BytesLiteral(it) => {
                return self.leaf(Kind::Bytes(it.value.bytes().collect()), it)
            }
            Expr::NumberLiteral(it) => return self.number(it),
            Expr::BooleanLiteral(it) => {
                return self.leaf(if it.value { Kind::True } else { Kind::False }, it)
            }
            Expr::NoneLiteral(it) => return self.leaf(Kind::None, it),
            Expr::EllipsisLiteral(it) => return self.leaf(Kind::Ellipsis, it),
            Expr::FString(it) => return self.fstring(it),
            Expr::TString(it) => return self.template(it),
            // Only in the grammar of notebooks, which this parser does not use.
            Expr::IpyEscapeCommand(it) => return self.leaf(Kind::Ellipsis, it),
            Expr::Name(it) => return self.leaf(Kind::Name(&it.id, context(&it.ctx)), it),
            Expr::Call(it) => return self.call(it),
            Expr::Dict(it) => return self.dict(it),
            Expr::Lambda(it) => return self.lambda(it),
            Expr::Compare(it) => return self.compare(it),
            Expr::ListComp(it) => return self.comprehension(it, &[&it.elt], &it.generators),
            Expr::SetComp(it) => return self.comprehension(it, &[&it.elt], &it.generators),
            Expr::Generator(it) => return self.comprehension(it, &[&it.elt], &it.generators),
            Expr::DictComp(it) => {
                let key = it.key.as_deref().into_iter();
                let elements: Vec<&Expr> = key.chain([&*it.value]).collect();
                return self.comprehension(it, &elements, &it.generators);
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
            Expr::If(it) => {
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
            Expr::Named(it) => {
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
        };
        self.close(mark, kind, expression);
    }

    fn call(&mut self, call: &'a ExprCall) {
        let mark = self.builder.open();
        self.expression(&call.func);
        let args = self.expressions(&call.arguments.args);
        self.keywords(&call.arguments.keywords);
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

    fn lambda(&mut self, lambda: &'a ExprLambda) {
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

    fn compare(&mut self, compare: &'a ExprCompare) {
        let mark = self.builder.open();
        self.expression(&compare.left);
        self.expressions(&compare.comparators);
        let kind = Kind::Compare {
            equal: *compare.ops == [CmpOp::Eq],
            unequal: *compare.ops == [CmpOp::NotEq],
        };
        self.close(mark, kind, compare);
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

    pub(super) fn arguments(&mut self, arguments: &'a Parameters) {
        let mark = self.builder.open();
        let positional = arguments.posonlyargs.iter().chain(&arguments.args);
        positional
            .clone()
            .for_each(|arg| self.argument(&arg.parameter));
        arguments.vararg.iter().for_each(|arg| self.argument(arg));
        arguments
            .kwonlyargs
            .iter()
            .for_each(|arg| self.argument(&arg.parameter));
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

    fn argument(&mut self, argument: &'a Parameter) {
        let mark = self.builder.open();
        self.optional(&argument.annotation);
        self.close(mark, Kind::Arg(&argument.name), argument);
    }
}

fn context(context: &ExprContext) -> Context {
    match context {
        ExprContext::Load | ExprContext::Invalid => Context::Load,
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
