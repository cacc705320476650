//! The graph as text: Graphviz dot, Mermaid, JSON.
