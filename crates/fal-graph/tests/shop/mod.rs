//! A project with scripts on several models.
//!
//! ```text
//! accounts, raw -> stg -> load.py
//!                     -> orders: load.py, check.py -> orders -> tell.py, after.ipynb
//!                                                         -> not_null_orders
//!    orders -> forecast (models/ml/forecast.py): prep/load.py -> forecast -> forecast.py
//!    orders, forecast -> report (report.ipynb): report -> a/tell.py, b/tell.py
//!                        -> board
//! lone: before.py -> lone
//! ```
//!
//! What runs behind a model's last script also runs behind the model, and the other way round. Operators of selectors see
//! less: a before-script has no parents, an after-script no children.

use fal_graph::{AttachedScript, Dag, DagBuilder, GraphNode, Side};

pub(crate) type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

const MODELS: [(&str, &str, &[&str], &[&str]); 5] = [
    (
        "stg",
        "models/staging/stg.sql",
        &["source.shop.crm.accounts", "seed.shop.raw"],
        &["core"],
    ),
    (
        "orders",
        "models/orders.sql",
        &["model.shop.stg"],
        &["core", "nightly"],
    ),
    (
        "forecast",
        "models/fal/ml/forecast.sql",
        &["model.shop.orders"],
        &["ml"],
    ),
    (
        "report",
        "models/fal/report.sql",
        &["model.shop.orders", "model.shop.forecast"],
        &["nightly"],
    ),
    ("lone", "models/lone.sql", &[], &[]),
];

const SCRIPTS: [(&str, Side, &str, &str); 10] = [
    ("stg", Side::After, "load.py", "scripts/load.py"),
    ("orders", Side::Before, "load.py", "scripts/load.py"),
    ("orders", Side::Before, "check.py", "scripts/check.py"),
    ("orders", Side::After, "tell.py", "scripts/tell.py"),
    ("orders", Side::After, "after.ipynb", "scripts/after.ipynb"),
    ("forecast", Side::Before, "load.py", "scripts/prep/load.py"),
    (
        "forecast",
        Side::After,
        "forecast.py",
        "scripts/forecast.py",
    ),
    ("report", Side::After, "tell.py", "scripts/a/tell.py"),
    ("report", Side::After, "b/tell.py", "scripts/b/tell.py"),
    ("lone", Side::Before, "before.py", "scripts/before.py"),
];

pub(crate) fn dag() -> Outcome<Dag> {
    let mut builder = DagBuilder::new("shop");
    builder.nodes([
        GraphNode {
            source_name: Some("crm".to_owned()),
            ..node("source", "crm.accounts", "models/sources.yml", &[])
        },
        node("seed", "raw", "seeds/raw.csv", &[]),
        node(
            "test",
            "not_null_orders",
            "models/schema.yml",
            &["model.shop.orders"],
        ),
        node(
            "exposure",
            "board",
            "models/schema.yml",
            &["model.shop.report"],
        ),
    ]);
    builder.nodes(MODELS.map(|(name, file, parents, tags)| GraphNode {
        tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
        ..node("model", name, file, parents)
    }));
    builder.python_model("model.shop.forecast", "models/ml/forecast.py");
    builder.python_model("model.shop.report", "models/report.ipynb");
    for (model, side, name, file) in SCRIPTS {
        let word = if side == Side::Before {
            "BEFORE"
        } else {
            "AFTER"
        };
        let id = format!("script.{model}.{word}.{name}");
        builder.script(AttachedScript {
            id,
            model: format!("model.shop.{model}"),
            side,
            file: file.to_owned(),
        });
    }
    Ok(builder.build()?)
}

fn node(resource_type: &str, name: &str, file: &str, parents: &[&str]) -> GraphNode {
    let folders = file.split('/').skip(1).filter(|part| !part.contains('.'));
    let fqn = std::iter::once("shop")
        .chain(folders)
        .chain([name])
        .map(str::to_owned)
        .collect();
    GraphNode {
        unique_id: format!("{resource_type}.shop.{name}"),
        name: name.rsplit('.').next().unwrap_or(name).to_owned(),
        resource_type: resource_type.to_owned(),
        package_name: "shop".to_owned(),
        original_file_path: file.to_owned(),
        depends_on: parents.iter().map(|&parent| parent.to_owned()).collect(),
        fqn,
        ..GraphNode::default()
    }
}

/// `orders<load.py` before it, `orders>tell.py` after it, the bare name of everything else.
pub(crate) fn short(id: &str) -> String {
    let Some(script) = id.strip_prefix("script.") else {
        return id.rsplit('.').next().unwrap_or(id).to_owned();
    };
    script
        .replacen(".BEFORE.", "<", 1)
        .replacen(".AFTER.", ">", 1)
}
