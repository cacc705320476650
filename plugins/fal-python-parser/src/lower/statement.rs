//! Statements.

use fal_python_analysis::tree::Kind;
use rustpython_parser::ast::{
    Alias, Arguments, ExceptHandler, Expr, Identifier, Ranged, Stmt, StmtClassDef, TypeParam,
    WithItem,
};

use super::Lower;

/// The common parts of `def` and `async def`.
struct Function<'a> {
    name: &'a str,
    is_async: bool,
    args: &'a Arguments,
    body: &'a [Stmt],
    decorators: &'a [Expr],
    returns: &'a Option<Box<Expr>>,
    type_params: &'a [TypeParam],
}

impl<'a> Lower<'a> {
    pub(super) fn statement(&mut self, statement: &'a Stmt) {
        let mark = self.builder.open();
        let kind = match statement {
            Stmt::FunctionDef(it) => self.function(&Function {
                name: &it.name,
                is_async: false,
                args: &it.args,
                body: &it.body,
                decorators: &it.decorator_list,
                returns: &it.returns,
                type_params: &it.type_params,
            }),
            Stmt::AsyncFunctionDef(it) => self.function(&Function {
                name: &it.name,
                is_async: true,
                args: &it.args,
                body: &it.body,
                decorators: &it.decorator_list,
                returns: &it.returns,
                type_params: &it.type_params,
            }),
            Stmt::ClassDef(it) => self.class(it),
            Stmt::For(it) => self.for_loop(&it.target, &it.iter, &it.body, &it.orelse),
            Stmt::AsyncFor(it) => self.for_loop(&it.target, &it.iter, &it.body, &it.orelse),
            Stmt::With(it) => self.with(&it.items, &it.body),
            Stmt::AsyncWith(it) => self.with(&it.items, &it.body),
            Stmt::Try(it) => self.try_block(&it.body, &it.handlers, &it.orelse, &it.finalbody),
            Stmt::TryStar(it) => self.try_block(&it.body, &it.handlers, &it.orelse, &it.finalbody),
            Stmt::While(it) => {
                self.expression(&it.test);
                let body = self.block(&it.body);
                self.block(&it.orelse);
                Kind::While { body }
            }
            Stmt::If(it) => {
                self.expression(&it.test);
                let body = self.block(&it.body);
                self.block(&it.orelse);
                Kind::If { body }
            }
            Stmt::Match(it) => {
                self.expression(&it.subject);
                it.cases.iter().for_each(|case| self.case(case));
                Kind::Match
            }
            Stmt::Import(it) => {
                self.aliases(&it.names);
                Kind::Import
            }
            Stmt::ImportFrom(it) => {
                self.aliases(&it.names);
                let level = it.level.map_or(0, |level| level.to_u32());
                Kind::ImportFrom {
                    module: it.module.as_ref().map(|name| name.as_str()),
                    level,
                }
            }
            Stmt::Global(it) => {
                self.identifiers(&it.names);
                Kind::Global
            }
            Stmt::Nonlocal(it) => {
                self.identifiers(&it.names);
                Kind::Nonlocal
            }
            Stmt::TypeAlias(it) => {
                self.expression(&it.name);
                self.type_params(&it.type_params);
                self.expression(&it.value);
                Kind::TypeAlias
            }
            _ => self.simple(statement),
        };
        self.close(mark, kind, statement);
    }

    /// Lowers statements that consist of expressions.
    fn simple(&mut self, statement: &'a Stmt) -> Kind<'a> {
        match statement {
            Stmt::Expr(it) => {
                self.expression(&it.value);
                Kind::Expr
            }
            Stmt::Assign(it) => {
                self.expressions(&it.targets);
                self.expression(&it.value);
                Kind::Assign
            }
            Stmt::AugAssign(it) => {
                self.expression(&it.target);
                self.expression(&it.value);
                Kind::AugAssign
            }
            Stmt::AnnAssign(it) => {
                self.expression(&it.target);
                self.expression(&it.annotation);
                Kind::AnnAssign {
                    value: self.optional(&it.value),
                }
            }
            Stmt::Return(it) => {
                self.optional(&it.value);
                Kind::Return
            }
            Stmt::Delete(it) => {
                self.expressions(&it.targets);
                Kind::Delete
            }
            Stmt::Raise(it) => {
                self.optional(&it.exc);
                self.optional(&it.cause);
                Kind::Raise
            }
            Stmt::Assert(it) => {
                self.expression(&it.test);
                self.optional(&it.msg);
                Kind::Assert
            }
            Stmt::Break(_) => Kind::Break,
            Stmt::Continue(_) => Kind::Continue,
            _ => Kind::Pass,
        }
    }

    fn function(&mut self, function: &Function<'a>) -> Kind<'a> {
        self.arguments(function.args);
        let body = self.block(function.body);
        let decorators = self.expressions(function.decorators);
        self.optional(function.returns);
        self.type_params(function.type_params);
        Kind::FunctionDef {
            name: function.name,
            is_async: function.is_async,
            body,
            decorators,
        }
    }

    fn class(&mut self, class: &'a StmtClassDef) -> Kind<'a> {
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

    fn for_loop(
        &mut self,
        target: &'a Expr,
        iter: &'a Expr,
        body: &'a [Stmt],
        orelse: &'a [Stmt],
    ) -> Kind<'a> {
        self.expression(target);
        self.expression(iter);
        let body = self.block(body);
        self.block(orelse);
        Kind::For { body }
    }

    fn with(&mut self, items: &'a [WithItem], body: &'a [Stmt]) -> Kind<'a> {
        for item in items {
            let mark = self.builder.open();
            self.expression(&item.context_expr);
            self.optional(&item.optional_vars);
            self.close_bare(mark, Kind::WithItem);
        }
        self.block(body);
        Kind::With {
            items: items.len() as u32,
        }
    }

    fn try_block(
        &mut self,
        body: &'a [Stmt],
        handlers: &'a [ExceptHandler],
        orelse: &'a [Stmt],
        finalbody: &'a [Stmt],
    ) -> Kind<'a> {
        let body = self.block(body);
        for ExceptHandler::ExceptHandler(handler) in handlers {
            let mark = self.builder.open();
            let typed = self.optional(&handler.type_);
            self.block(&handler.body);
            let name = handler.name.as_ref().map(|name| name.as_str());
            self.close(mark, Kind::Handler { name, typed }, handler);
        }
        let orelse = self.block(orelse);
        self.block(finalbody);
        Kind::Try {
            body,
            handlers: handlers.len() as u32,
            orelse,
        }
    }

    fn aliases(&mut self, aliases: &'a [Alias]) {
        for alias in aliases {
            let asname = alias.asname.as_ref().map(|name| name.as_str());
            self.leaf(
                Kind::Alias {
                    name: &alias.name,
                    asname,
                },
                alias,
            );
        }
    }

    fn identifiers(&mut self, names: &'a [Identifier]) {
        for name in names {
            let mark = self.builder.open();
            self.close_bare(mark, Kind::Ident(name));
        }
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
            let range = param.range();
            self.builder.close(
                mark,
                Kind::TypeParam(name),
                range.start().into(),
                range.end().into(),
            );
        }
    }
}
