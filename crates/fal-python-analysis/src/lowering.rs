//! The lowering of what the trees of all parsers share.

/// Defines `Lower`, which lowers a parser's tree into the [`tree`](crate::tree) of the analysis.
/// Children are built in CPython's order.
///
/// The trees of Rust's Python parsers have the names of CPython's, so the same code reads them,
/// although their types differ. The caller has the parser's tree in scope as `ast`, with
/// `ast::Parameters`, `ast::Parameter` and the trait `ast::Ranged`. It names the variants and the
/// fields that differ, and a method of `Lower` for each node that only this parser has or that has
/// another shape there. The method of an expression builds its node; that of a statement or pattern
/// lowers the children and returns the kind, or for a pattern nothing.
#[macro_export]
macro_rules! lowering {
    (
        conditional: $conditional:ident,
        walrus: $walrus:ident,
        generator: $generator:ident,
        parameter: $parameter:ident.$name:ident,
        expressions: { $($expression:ident => $lower_expression:ident,)* },
        statements: { $($statement:ident => $lower_statement:ident,)* },
        class_pattern: $class_pattern:ident,
    ) => {
        use $crate::tree::{Binary, Builder, Context, Kind, Tree, Unary};
        use ast::Ranged;

        /// Lowers a module.
        pub(crate) fn lower<'a>(
            newlines: &'a $crate::Newlines<'a>,
            body: &'a [ast::Stmt],
        ) -> Tree<'a> {
            let mut lower = Lower {
                builder: Builder::new(newlines),
            };
            let module = lower.builder.open();
            lower.block(body);
            lower
                .builder
                .close(module, Kind::Module, 0, newlines.text().len() as u32);
            lower.builder.finish()
        }

        struct Lower<'a> {
            builder: Builder<'a>,
        }

        impl<'a> Lower<'a> {
            fn close(&mut self, mark: usize, kind: Kind<'a>, node: &impl Ranged) {
                let range = node.range();
                self.builder
                    .close(mark, kind, range.start().into(), range.end().into());
            }

            fn leaf(&mut self, kind: Kind<'a>, node: &impl Ranged) {
                let range = node.range();
                self.builder
                    .leaf(kind, range.start().into(), range.end().into());
            }

            /// Closes a node whose range is not used.
            fn close_bare(&mut self, mark: usize, kind: Kind<'a>) {
                self.builder.close(mark, kind, 0, 0);
            }

            /// Lowers statements and returns their number.
            fn block(&mut self, body: &'a [ast::Stmt]) -> u32 {
                for statement in body {
                    self.statement(statement);
                }
                body.len() as u32
            }
        }

        /// Statements.
        impl<'a> Lower<'a> {
            fn statement(&mut self, statement: &'a ast::Stmt) {
                let mark = self.builder.open();
                let kind = match statement {
                    $(ast::Stmt::$statement(it) => self.$lower_statement(it),)*
                    ast::Stmt::While(it) => {
                        self.expression(&it.test);
                        let body = self.block(&it.body);
                        self.block(&it.orelse);
                        Kind::While { body }
                    }
                    ast::Stmt::Match(it) => {
                        self.expression(&it.subject);
                        it.cases.iter().for_each(|case| self.case(case));
                        Kind::Match
                    }
                    ast::Stmt::Import(it) => {
                        self.aliases(&it.names);
                        Kind::Import
                    }
                    ast::Stmt::Global(it) => {
                        self.identifiers(&it.names);
                        Kind::Global
                    }
                    ast::Stmt::Nonlocal(it) => {
                        self.identifiers(&it.names);
                        Kind::Nonlocal
                    }
                    ast::Stmt::TypeAlias(it) => {
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
            fn simple(&mut self, statement: &'a ast::Stmt) -> Kind<'a> {
                match statement {
                    ast::Stmt::Expr(it) => {
                        self.expression(&it.value);
                        Kind::Expr
                    }
                    ast::Stmt::Assign(it) => {
                        self.expressions(&it.targets);
                        self.expression(&it.value);
                        Kind::Assign
                    }
                    ast::Stmt::AugAssign(it) => {
                        self.expression(&it.target);
                        self.expression(&it.value);
                        Kind::AugAssign
                    }
                    ast::Stmt::AnnAssign(it) => {
                        self.expression(&it.target);
                        self.expression(&it.annotation);
                        Kind::AnnAssign {
                            value: self.optional(&it.value),
                        }
                    }
                    ast::Stmt::Return(it) => {
                        self.optional(&it.value);
                        Kind::Return
                    }
                    ast::Stmt::Delete(it) => {
                        self.expressions(&it.targets);
                        Kind::Delete
                    }
                    ast::Stmt::Raise(it) => {
                        self.optional(&it.exc);
                        self.optional(&it.cause);
                        Kind::Raise
                    }
                    ast::Stmt::Assert(it) => {
                        self.expression(&it.test);
                        self.optional(&it.msg);
                        Kind::Assert
                    }
                    ast::Stmt::Break(_) => Kind::Break,
                    ast::Stmt::Continue(_) => Kind::Continue,
                    _ => Kind::Pass,
                }
            }

            /// Lowers the items and the body of a `with`.
            fn with_block(&mut self, items: &'a [ast::WithItem], body: &'a [ast::Stmt]) -> Kind<'a> {
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

            fn for_loop(
                &mut self,
                target: &'a ast::Expr,
                iter: &'a ast::Expr,
                body: &'a [ast::Stmt],
                orelse: &'a [ast::Stmt],
            ) -> Kind<'a> {
                self.expression(target);
                self.expression(iter);
                let body = self.block(body);
                self.block(orelse);
                Kind::For { body }
            }

            fn try_block(
                &mut self,
                body: &'a [ast::Stmt],
                handlers: &'a [ast::ExceptHandler],
                orelse: &'a [ast::Stmt],
                finalbody: &'a [ast::Stmt],
            ) -> Kind<'a> {
                let body = self.block(body);
                for ast::ExceptHandler::ExceptHandler(handler) in handlers {
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

            fn aliases(&mut self, aliases: &'a [ast::Alias]) {
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

            fn identifiers(&mut self, names: &'a [ast::Identifier]) {
                for name in names {
                    let mark = self.builder.open();
                    self.close_bare(mark, Kind::Ident(name));
                }
            }
        }

        /// Expressions.
        impl<'a> Lower<'a> {
            fn expressions(&mut self, all: &'a [ast::Expr]) -> u32 {
                for one in all {
                    self.expression(one);
                }
                all.len() as u32
            }

            fn optional(&mut self, expression: &'a Option<Box<ast::Expr>>) -> bool {
                if let Some(expression) = expression {
                    self.expression(expression);
                }
                expression.is_some()
            }

            fn expression(&mut self, expression: &'a ast::Expr) {
                let mark = self.builder.open();
                let kind = match expression {
                    $(ast::Expr::$expression(it) => return self.$lower_expression(it),)*
                    ast::Expr::Name(it) => {
                        return self.leaf(Kind::Name(&it.id, context(&it.ctx)), it)
                    }
                    ast::Expr::ListComp(it) => {
                        return self.comprehension(it, &[&it.elt], &it.generators)
                    }
                    ast::Expr::SetComp(it) => {
                        return self.comprehension(it, &[&it.elt], &it.generators)
                    }
                    ast::Expr::$generator(it) => {
                        return self.comprehension(it, &[&it.elt], &it.generators)
                    }
                    ast::Expr::Compare(it) => {
                        self.expression(&it.left);
                        self.expressions(&it.comparators);
                        Kind::Compare {
                            equal: matches!(it.ops[..], [ast::CmpOp::Eq]),
                            unequal: matches!(it.ops[..], [ast::CmpOp::NotEq]),
                        }
                    }
                    ast::Expr::Attribute(it) => {
                        self.expression(&it.value);
                        Kind::Attribute(&it.attr)
                    }
                    ast::Expr::Subscript(it) => {
                        self.expression(&it.value);
                        self.expression(&it.slice);
                        Kind::Subscript
                    }
                    ast::Expr::Slice(it) => {
                        self.optional(&it.lower);
                        self.optional(&it.upper);
                        self.optional(&it.step);
                        Kind::Slice
                    }
                    ast::Expr::Starred(it) => {
                        self.expression(&it.value);
                        Kind::Starred
                    }
                    ast::Expr::List(it) => {
                        self.expressions(&it.elts);
                        Kind::List
                    }
                    ast::Expr::Tuple(it) => {
                        self.expressions(&it.elts);
                        Kind::Tuple
                    }
                    ast::Expr::Set(it) => {
                        self.expressions(&it.elts);
                        Kind::Set
                    }
                    ast::Expr::$conditional(it) => {
                        self.expression(&it.test);
                        self.expression(&it.body);
                        self.expression(&it.orelse);
                        Kind::IfExp
                    }
                    ast::Expr::BoolOp(it) => {
                        self.expressions(&it.values);
                        if matches!(it.op, ast::BoolOp::And) {
                            Kind::And
                        } else {
                            Kind::Or
                        }
                    }
                    ast::Expr::BinOp(it) => {
                        self.expression(&it.left);
                        self.expression(&it.right);
                        Kind::Binary(if matches!(it.op, ast::Operator::Add) {
                            Binary::Add
                        } else {
                            Binary::Other
                        })
                    }
                    ast::Expr::UnaryOp(it) => {
                        self.expression(&it.operand);
                        Kind::Unary(match it.op {
                            ast::UnaryOp::Invert => Unary::Invert,
                            ast::UnaryOp::Not => Unary::Not,
                            ast::UnaryOp::UAdd => Unary::Plus,
                            ast::UnaryOp::USub => Unary::Minus,
                        })
                    }
                    ast::Expr::$walrus(it) => {
                        self.expression(&it.target);
                        self.expression(&it.value);
                        Kind::NamedExpr
                    }
                    ast::Expr::Await(it) => {
                        self.expression(&it.value);
                        Kind::Await
                    }
                    ast::Expr::Yield(it) => {
                        self.optional(&it.value);
                        Kind::Yield
                    }
                    ast::Expr::YieldFrom(it) => {
                        self.expression(&it.value);
                        Kind::Yield
                    }
                };
                self.close(mark, kind, expression);
            }

            fn keywords(&mut self, keywords: &'a [ast::Keyword]) -> u32 {
                for keyword in keywords {
                    let mark = self.builder.open();
                    self.expression(&keyword.value);
                    let name = keyword.arg.as_ref().map(|name| name.as_str());
                    self.close(mark, Kind::Keyword(name), keyword);
                }
                keywords.len() as u32
            }

            fn comprehension(
                &mut self,
                node: &impl Ranged,
                elements: &[&'a ast::Expr],
                generators: &'a [ast::Comprehension],
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
                let elements = elements.len() as u32;
                self.close(mark, Kind::Comprehension { elements }, node);
            }

            fn arguments(&mut self, arguments: &'a ast::Parameters) {
                let mark = self.builder.open();
                let positional = arguments.posonlyargs.iter().chain(&arguments.args);
                positional
                    .clone()
                    .for_each(|arg| self.argument(&arg.$parameter));
                arguments.vararg.iter().for_each(|arg| self.argument(arg));
                arguments
                    .kwonlyargs
                    .iter()
                    .for_each(|arg| self.argument(&arg.$parameter));
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

            fn argument(&mut self, argument: &'a ast::Parameter) {
                let mark = self.builder.open();
                self.optional(&argument.annotation);
                self.close(mark, Kind::Arg(&argument.$name), argument);
            }
        }

        /// Patterns of `match`.
        impl<'a> Lower<'a> {
            fn case(&mut self, case: &'a ast::MatchCase) {
                let mark = self.builder.open();
                self.pattern(&case.pattern);
                let guard = self.optional(&case.guard);
                self.block(&case.body);
                self.close_bare(mark, Kind::Case { guard });
            }

            fn patterns(&mut self, patterns: &'a [ast::Pattern]) -> bool {
                let mut wild = false;
                for pattern in patterns {
                    self.pattern(pattern);
                    wild |= self.builder.last_is_wild();
                }
                wild
            }

            fn pattern(&mut self, pattern: &'a ast::Pattern) {
                let mark = self.builder.open();
                let (binds, wild) = match pattern {
                    ast::Pattern::MatchValue(it) => {
                        self.expression(&it.value);
                        (None, false)
                    }
                    ast::Pattern::MatchSingleton(_) => (None, false),
                    ast::Pattern::MatchSequence(it) => {
                        self.patterns(&it.patterns);
                        (None, false)
                    }
                    ast::Pattern::MatchMapping(it) => {
                        self.expressions(&it.keys);
                        self.patterns(&it.patterns);
                        (it.rest.as_ref(), false)
                    }
                    ast::Pattern::MatchClass(it) => {
                        self.expression(&it.cls);
                        self.$class_pattern(it);
                        (None, false)
                    }
                    ast::Pattern::MatchStar(it) => (it.name.as_ref(), false),
                    ast::Pattern::MatchAs(it) => {
                        let wild = it
                            .pattern
                            .as_ref()
                            .is_none_or(|inner| self.patterns(std::slice::from_ref(inner)));
                        (it.name.as_ref(), wild)
                    }
                    ast::Pattern::MatchOr(it) => (None, self.patterns(&it.patterns)),
                };
                let binds = binds.map(|name| name.as_str());
                self.close(mark, Kind::Pattern { binds, wild }, pattern);
            }
        }
    };
}
