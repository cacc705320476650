//! dbt's selection syntax, with dbt's results.
//!
//! Expressions are parsed into a [`Spec`](spec::Spec) (from the command line by `cli`, from `selectors.yml` by
//! `definition`), whose leaves are criteria. `engine` combines them as dbt does, each criterion being matched by
//! `matcher`, widened along the graph by `walk`, and extended to tests by `indirect`.
//!
//! Where this goes beyond dbt, on purpose:
//! - A Python model whose stub dbt knows is found by both files and both folders: by `models/a/b.py`, `b.py`,
//!   `models/a` and `shop.a.b` as well as by the stub's `models/fal/a/b.sql` and `shop.fal.a.b`.
//! - A bare name that ends in `.ipynb` is a file name, like `.py`.
//! - Scripts before and after models are found by a part of their id or path (`load.py`, `prep/load.py`,
//!   `script.orders.AFTER`), by `path:` and `file:` with a value that ends in `.py` or `.ipynb`, by
//!   `resource_type:script`, and by graph operators; nothing that selects their model selects them.
//! - An argument of nothing but commas says nothing.
//! - `selector:NAME` works among other expressions.
//! - `path:` sees only the files of nodes, not the disk: a folder without a node of the root project does
//!   not exist.

mod cli;
mod config;
mod criterion;
mod definition;
mod engine;
mod fnmatch;
mod glob;
mod indirect;
mod matcher;
mod method;
mod name;
mod resource;
mod script;
mod spec;
mod version;
mod walk;

pub use engine::{Criteria, External, Selection, SelectionWarning, Selector};
pub use resource::ResourceTypes;
pub use spec::IndirectSelection;
