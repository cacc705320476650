//! What a Python model depends on and how often it writes, over a parser-neutral syntax tree.
