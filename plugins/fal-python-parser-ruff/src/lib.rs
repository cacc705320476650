//! Python parser plugin on ruff_python_parser, for newer grammar.
