//! Notebook parser plugin for .ipynb.
