//! Lowers the tree of rustpython-parser into the tree of the analysis.

mod ast {
    pub(super) use rustpython_parser::ast::{Arg as Parameter, Arguments as Parameters, *};
}

use ast::{Constant, ConversionFlag, ExprContext, TypeParam};

fal_python_analysis::lowering! {
    conditional: IfExp,
    walrus: NamedExpr,
    generator: GeneratorExp,
    parameter: def.arg,
    expressions: {
        Constant => constant,
        Call => call,
        Dict => dict,
        DictComp => dict_comprehension,
        Lambda => lambda,
        FormattedValue => formatted,
        JoinedStr => fstring,
    },
    statements: {
        FunctionDef => function,
        AsyncFunctionDef => async_function,
        ClassDef => class,
        For => sync_for,
        AsyncFor => async_for,
        With => sync_with,
        AsyncWith => async_with,
        Try => plain_try,
        TryStar => try_star,
        If => if_statement,
        ImportFrom => import_from,
    },
    class_pattern: class_pattern,
}

/// Statements of this tree.
impl<'a> Lower<'a> {
    fn function(&mut self, it: &'a ast::StmtFunctionDef) -> Kind<'a> {
        self.arguments(&it.args);
        let body = self.block(&it.body);
        let decorators = self.expressions(&it.decorator_list);
        self.optional(&it.returns);
        self.type_params(&it.type_params);
        Kind::FunctionDef {
            name: &it.name,
            is_async: false,
            body,
            decorators,
        }
    }

    fn async_function(&mut self, it: &'a ast::StmtAsyncFunctionDef) -> Kind<'a> {
        self.arguments(&it.args);
        let body = self.block(&it.body);
        let decorators = self.expressions(&it.decorator_list);
        self.optional(&it.returns);
        self.type_params(&it.type_params);
        Kind::FunctionDef {
            name: &it.name,
            is_async: true,
            body,
            decorators,
        }
    }

    fn class(&mut self, class: &'a ast::StmtClassDef) -> Kind<'a> {
        let bases = self.expressions(&class.bases) + self.keywords(&class.keywords);
        let body = self.block(&class.body);
        self.expressions(&class.decorator_list);
        self.type_params(&class.type_params);
        Kind::ClassDef {
            name: &class.name,
            bases,
            body,
        }
    }

    fn sync_for(&mut self, it: &'a ast::StmtFor) -> Kind<'a> {
        self.for_loop(&it.target, &it.iter, &it.body, &it.orelse)
    }

    fn async_for(&mut self, it: &'a ast::StmtAsyncFor) -> Kind<'a> {
        self.for_loop(&it.target, &it.iter, &it.body, &it.orelse)
    }

    fn sync_with(&mut self, it: &'a ast::StmtWith) -> Kind<'a> {
        self.with_block(&it.items, &it.body)
    }

    fn async_with(&mut self, it: &'a ast::StmtAsyncWith) -> Kind<'a> {
        self.with_block(&it.items, &it.body)
    }

    fn plain_try(&mut self, it: &'a ast::StmtTry) -> Kind<'a> {
        self.try_block(&it.body, &it.handlers, &it.orelse, &it.finalbody)
    }

    fn try_star(&mut self, it: &'a ast::StmtTryStar) -> Kind<'a> {
        self.try_block(&it.body, &it.handlers, &it.orelse, &it.finalbody)
    }

    fn if_statement(&mut self, it: &'a ast::StmtIf) -> Kind<'a> {
        self.expression(&it.test);
        let body = self.block(&it.body);
        self.block(&it.orelse);
        Kind::If { body }
    }

    fn import_from(&mut self, it: &'a ast::StmtImportFrom) -> Kind<'a> {
        self.aliases(&it.names);
        Kind::ImportFrom {
            module: it.module.as_ref().map(|name| name.as_str()),
            level: it.level.map_or(0, |level| level.to_u32()),
        }
    }

    fn class_pattern(&mut self, pattern: &'a ast::PatternMatchClass) {
        self.patterns(&pattern.patterns);
        self.patterns(&pattern.kwd_patterns);
    }

    fn type_params(&mut self, params: &'a [TypeParam]) {
        for param in params {
            let mark = self.builder.open();
            let name = match param {
                TypeParam::TypeVar(it) => {
                    self.optional(&it.bound);
                    &it.name
                }
                TypeParam::ParamSpec(it) => &it.name,
                TypeParam::TypeVarTuple(it) => &it.name,
            };
            self.close(mark, Kind::TypeParam(name), param);
        }
    }
}

/// Expressions of this tree.
impl<'a> Lower<'a> {
    fn call(&mut self, call: &'a ast::ExprCall) {
        let mark = self.builder.open();
        self.expression(&call.func);
        let args = self.expressions(&call.args);
        self.keywords(&call.keywords);
        self.close(mark, Kind::Call { args }, call);
    }

    fn dict(&mut self, dict: &'a ast::ExprDict) {
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

    fn dict_comprehension(&mut self, it: &'a ast::ExprDictComp) {
        self.comprehension(it, &[&it.key, &it.value], &it.generators);
    }

    fn lambda(&mut self, lambda: &'a ast::ExprLambda) {
        let mark = self.builder.open();
        self.arguments(&lambda.args);
        self.expression(&lambda.body);
        self.close(mark, Kind::Lambda, lambda);
    }

    fn fstring(&mut self, fstring: &'a ast::ExprJoinedStr) {
        let mark = self.builder.open();
        self.expressions(&fstring.values);
        self.close(mark, Kind::FString, fstring);
    }

    fn formatted(&mut self, value: &'a ast::ExprFormattedValue) {
        let mark = self.builder.open();
        self.expression(&value.value);
        let format = self.optional(&value.format_spec);
        let plain = !format && matches!(value.conversion, ConversionFlag::None);
        self.close(mark, Kind::Formatted { plain }, value);
    }

    fn constant(&mut self, constant: &'a ast::ExprConstant) {
        let kind = match &constant.value {
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
        };
        self.leaf(kind, constant);
    }
}

fn context(context: &ExprContext) -> Context {
    match context {
        ExprContext::Load => Context::Load,
        ExprContext::Store => Context::Store,
        ExprContext::Del => Context::Delete,
    }
}
