//! Statements.

use fal_python_analysis::tree::Kind;
use ruff_python_ast::{
    Alias, ElifElseClause, ExceptHandler, Identifier, Stmt, StmtClassDef, StmtFor, StmtFunctionDef,
    StmtTry, StmtWith, TypeParam, TypeParams,
};

use super::Lower;

impl<'a> Lower<'a> {
    pub(super) fn statement(&mut self, statement: &'a Stmt) {
        let mark = self.builder.open();
        let kind = match statement {
            Stmt::FunctionDef(it) => self.function(it),
            Stmt::ClassDef(it) => self.class(it),
            Stmt::For(it) => self.for_loop(it),
            Stmt::With(it) => self.with(it),
            Stmt::Try(it) => self.try_block(it),
            Stmt::While(it) => {
                self.expression(&it.test);
                let body = self.block(&it.body);
                self.block(&it.orelse);
                Kind::While { body }
            }
            Stmt::If(it) => {
                self.expression(&it.test);
                let body = self.block(&it.body);
                self.elif(&it.elif_else_clauses);
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
                Kind::ImportFrom {
                    module: it.module.as_ref().map(|name| name.as_str()),
                    level: it.level,
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
                self.type_params(it.type_params.as_deref());
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

    fn function(&mut self, function: &'a StmtFunctionDef) -> Kind<'a> {
        self.arguments(&function.parameters);
        let body = self.block(&function.body);
        function
            .decorator_list
            .iter()
            .for_each(|decorator| self.expression(&decorator.expression));
        self.optional(&function.returns);
        self.type_params(function.type_params.as_deref());
        let decorators = function.decorator_list.len() as u32;
        Kind::FunctionDef {
            name: &function.name,
            is_async: function.is_async,
            body,
            decorators,
        }
    }

    fn class(&mut self, class: &'a StmtClassDef) -> Kind<'a> {
        let arguments = class.arguments.as_deref();
        let bases = arguments.map_or(0, |it| {
            self.expressions(&it.args) + self.keywords(&it.keywords)
        });
        let body = self.block(&class.body);
        class
            .decorator_list
            .iter()
            .for_each(|decorator| self.expression(&decorator.expression));
        self.type_params(class.type_params.as_deref());
        Kind::ClassDef {
            name: &class.name,
            bases,
            body,
        }
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

    fn for_loop(&mut self, it: &'a StmtFor) -> Kind<'a> {
        self.expression(&it.target);
        self.expression(&it.iter);
        let body = self.block(&it.body);
        self.block(&it.orelse);
        Kind::For { body }
    }

    fn with(&mut self, with: &'a StmtWith) -> Kind<'a> {
        for item in &with.items {
            let mark = self.builder.open();
            self.expression(&item.context_expr);
            self.optional(&item.optional_vars);
            self.close_bare(mark, Kind::WithItem);
        }
        self.block(&with.body);
        Kind::With {
            items: with.items.len() as u32,
        }
    }

    fn try_block(&mut self, it: &'a StmtTry) -> Kind<'a> {
        let body = self.block(&it.body);
        for ExceptHandler::ExceptHandler(handler) in &it.handlers {
            let mark = self.builder.open();
            let typed = self.optional(&handler.type_);
            self.block(&handler.body);
            let name = handler.name.as_ref().map(|name| name.as_str());
            self.close(mark, Kind::Handler { name, typed }, handler);
        }
        let orelse = self.block(&it.orelse);
        self.block(&it.finalbody);
        Kind::Try {
            body,
            handlers: it.handlers.len() as u32,
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

    fn type_params(&mut self, params: Option<&'a TypeParams>) {
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
