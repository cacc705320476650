//! The kinds of nodes. A number in a variant says how many children belong to a section; the order
//! of the sections is that of CPython's `_fields`.

/// What a name or target is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// Read.
    Load,
    /// Bound.
    Store,
    /// Unbound by `del`.
    Delete,
}

/// Binary operators that the analysis evaluates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// `+`
    Add,
    /// Any other.
    Other,
}

/// Unary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unary {
    /// `-`
    Minus,
    /// `+`
    Plus,
    /// `~`
    Invert,
    /// `not`
    Not,
}

/// The kind of a node. Names and strings are borrowed from the parser's tree.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    missing_docs,
    reason = "the variants are those of Python's grammar; fields are explained where they are not"
)]
pub enum Kind<'a> {
    /// Statements.
    Module,

    // Expressions.
    Name(&'a str, Context),
    Str(&'a str),
    /// Parts of an implicitly joined bytes literal.
    Bytes(Vec<u8>),
    Int(u64),
    /// Decimal digits of an integer that does not fit.
    BigInt(String),
    Float(f64),
    Complex(f64, f64),
    True,
    False,
    None,
    Ellipsis,
    /// Function, positional arguments, keywords.
    Call {
        args: u32,
    },
    /// Value of a keyword argument; without a name it is `**`.
    Keyword(Option<&'a str>),
    Attribute(&'a str),
    Subscript,
    Slice,
    Starred,
    List,
    Tuple,
    Set,
    /// All keys, then all values; `unpack`: there is a `**`, so that they do not pair.
    Dict {
        keys: u32,
        unpack: bool,
    },
    /// Element (a dict's key and value), generators.
    Comprehension {
        elements: u32,
    },
    /// Target, iterable, conditions.
    Generator,
    /// Arguments, body.
    Lambda,
    /// Test, value if true, value if false.
    IfExp,
    And,
    Or,
    Binary(Binary),
    Unary(Unary),
    /// `equal`: a single `==`; `unequal`: a single `!=`.
    Compare {
        equal: bool,
        unequal: bool,
    },
    /// Target, value.
    NamedExpr,
    Await,
    Yield,
    /// Parts: strings and formatted values.
    FString,
    /// `t"..."`: never a string.
    Template,
    /// Value and format; `plain`: neither conversion nor format.
    Formatted {
        plain: bool,
    },

    // Statements.
    /// Arguments, body, decorators, return annotation, type parameters.
    FunctionDef {
        name: &'a str,
        is_async: bool,
        body: u32,
        decorators: u32,
    },
    /// Bases and keywords, body, decorators, type parameters.
    ClassDef {
        name: &'a str,
        bases: u32,
        body: u32,
    },
    /// Parameters and defaults; `positional` parameters come first; `plain`: there are no others.
    Arguments {
        positional: u32,
        plain: bool,
    },
    /// A parameter with its annotation.
    Arg(&'a str),
    Return,
    Delete,
    /// Targets, value.
    Assign,
    /// Target, value.
    AugAssign,
    /// Target, annotation, value.
    AnnAssign {
        value: bool,
    },
    TypeAlias,
    TypeParam(&'a str),
    /// Target, iterable, body, `else`.
    For {
        body: u32,
    },
    /// Test, body, `else`.
    While {
        body: u32,
    },
    /// Test, body, `else`.
    If {
        body: u32,
    },
    /// Items, body.
    With {
        items: u32,
    },
    /// Context manager, target.
    WithItem,
    /// Subject, cases.
    Match,
    /// Pattern, guard, body.
    Case {
        guard: bool,
    },
    /// Any pattern: the name that it captures itself, and whether it matches everything.
    Pattern {
        binds: Option<&'a str>,
        wild: bool,
    },
    /// Exception, cause.
    Raise,
    /// Body, handlers, `else`, `finally`.
    Try {
        body: u32,
        handlers: u32,
        orelse: u32,
    },
    /// Type, body.
    Handler {
        name: Option<&'a str>,
        typed: bool,
    },
    Assert,
    /// Aliases.
    Import,
    /// Aliases.
    ImportFrom {
        module: Option<&'a str>,
        level: u32,
    },
    Alias {
        name: &'a str,
        asname: Option<&'a str>,
    },
    /// Names as [`Kind::Ident`].
    Global,
    /// Names as [`Kind::Ident`].
    Nonlocal,
    Ident(&'a str),
    /// An expression as a statement.
    Expr,
    Pass,
    Break,
    Continue,
}
