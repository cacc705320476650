//! Tests of the renderings.

use super::{Format, render};
use crate::{AttachedScript, Dag, DagBuilder, DagError, EdgeKind, GraphNode, Side};

fn node(id: &str, parents: &[&str]) -> GraphNode {
    let mut words = id.splitn(3, '.').map(str::to_owned);
    let mut next = || words.next().unwrap_or_default();
    let (resource_type, package_name, name) = (next(), next(), next());
    GraphNode {
        unique_id: id.to_owned(),
        original_file_path: format!("models/{name}.sql"),
        source_name: (resource_type == "source").then(|| "crm".to_owned()),
        depends_on: parents.iter().map(|&parent| parent.to_owned()).collect(),
        resource_type,
        package_name,
        name,
        ..GraphNode::default()
    }
}

fn shop() -> Result<Dag, DagError> {
    let mut builder = DagBuilder::new("shop");
    builder.nodes([
        node("source.shop.accounts", &[]),
        node("seed.shop.raw", &[]),
        node("model.shop.stg", &["source.shop.accounts", "seed.shop.raw"]),
        node("model.shop.forecast", &["model.shop.stg"]),
        node(
            "model.shop.report",
            &["model.shop.forecast", "model.shop.stg"],
        ),
        node(
            "test.shop.not_null_\"odd\" <na\\me> #1;`",
            &["model.shop.report"],
        ),
        node("script.forecast.AFTER.send.py", &[]),
    ]);
    builder.python_model("model.shop.forecast", "models/forecast.ipynb");
    builder.edge(
        "model.shop.forecast",
        EdgeKind::Order,
        "script.forecast.AFTER.send.py",
    );
    builder.build()
}

fn all(dag: &Dag, format: Format) -> String {
    render(dag, &dag.nodes().map(|(id, _)| id).collect(), format)
}

#[test]
fn dot() -> Result<(), DagError> {
    insta::assert_snapshot!(all(&shop()?, Format::Dot), @r##"
    digraph dag {
      rankdir=LR;
      node [style=filled, fontname="sans-serif", fillcolor="#ffffff"];
      n0 [label="raw", tooltip="seed.shop.raw", shape=folder, fillcolor="#d8f5d0"];
      n1 [label="crm.accounts", tooltip="source.shop.accounts", shape=cylinder, fillcolor="#d8f5d0"];
      n2 [label="stg", tooltip="model.shop.stg", shape=box, fillcolor="#cfe2ff"];
      n3 [label="forecast", tooltip="model.shop.forecast", shape=note, fillcolor="#ffe0cc"];
      n4 [label="AFTER.send.py", tooltip="script.forecast.AFTER.send.py", shape=cds, fillcolor="#fff3bf"];
      n5 [label="report", tooltip="model.shop.report", shape=box, fillcolor="#cfe2ff"];
      n6 [label="not_null_\"odd\" <na\\me> #1;`", tooltip="test.shop.not_null_\"odd\" <na\\me> #1;`", shape=ellipse, fillcolor="#eeeeee"];
      n0 -> n2;
      n1 -> n2;
      n2 -> n3;
      n2 -> n5;
      n3 -> n4 [style=dashed];
      n3 -> n5;
      n5 -> n6;
    }
    "##);
    Ok(())
}

#[test]
fn mermaid() -> Result<(), DagError> {
    insta::assert_snapshot!(all(&shop()?, Format::Mermaid), @r##"
    flowchart LR
      n0[("raw")]:::data
      n1[("crm.accounts")]:::data
      n2["stg"]:::sql
      n3[["forecast"]]:::notebook
      n4>"AFTER.send.py"]:::python
      n5["report"]:::sql
      n6(["not_null_#34;odd#34; #60;na#92;me#62; #35;1#59;#96;"]):::test
      n0 --> n2
      n1 --> n2
      n2 --> n3
      n2 --> n5
      n3 -.-> n4
      n3 --> n5
      n5 --> n6
      classDef sql fill:#cfe2ff
      classDef python fill:#fff3bf
      classDef notebook fill:#ffe0cc
      classDef data fill:#d8f5d0
      classDef test fill:#eeeeee
      classDef use fill:#f3d9fa
      classDef other fill:#ffffff
    "##);
    Ok(())
}

/// A flowchart without the colours of its kinds, which are the same in all.
fn without_styles(chart: &str) -> &str {
    chart.split("  classDef").next().unwrap_or_default()
}

#[test]
fn json() -> Result<(), DagError> {
    insta::assert_snapshot!(all(&shop()?, Format::Json), @r##"
    {
      "nodes": [
        {
          "unique_id": "seed.shop.raw",
          "name": "raw",
          "kind": "seed",
          "resource_type": "seed",
          "package_name": "shop",
          "file": "models/raw.sql",
          "tags": []
        },
        {
          "unique_id": "source.shop.accounts",
          "name": "accounts",
          "kind": "source",
          "resource_type": "source",
          "package_name": "shop",
          "file": "models/accounts.sql",
          "tags": []
        },
        {
          "unique_id": "model.shop.stg",
          "name": "stg",
          "kind": "sql",
          "resource_type": "model",
          "package_name": "shop",
          "file": "models/stg.sql",
          "tags": []
        },
        {
          "unique_id": "model.shop.forecast",
          "name": "forecast",
          "kind": "notebook",
          "resource_type": "model",
          "package_name": "shop",
          "file": "models/forecast.ipynb",
          "tags": []
        },
        {
          "unique_id": "script.forecast.AFTER.send.py",
          "name": "AFTER.send.py",
          "kind": "script",
          "resource_type": "script",
          "package_name": "forecast",
          "file": "models/AFTER.send.py.sql",
          "tags": []
        },
        {
          "unique_id": "model.shop.report",
          "name": "report",
          "kind": "sql",
          "resource_type": "model",
          "package_name": "shop",
          "file": "models/report.sql",
          "tags": []
        },
        {
          "unique_id": "test.shop.not_null_\"odd\" <na\\me> #1;`",
          "name": "not_null_\"odd\" <na\\me> #1;`",
          "kind": "test",
          "resource_type": "test",
          "package_name": "shop",
          "file": "models/not_null_\"odd\" <na\\me> #1;`.sql",
          "tags": []
        }
      ],
      "edges": [
        {
          "from": "seed.shop.raw",
          "to": "model.shop.stg",
          "kind": "data"
        },
        {
          "from": "source.shop.accounts",
          "to": "model.shop.stg",
          "kind": "data"
        },
        {
          "from": "model.shop.stg",
          "to": "model.shop.forecast",
          "kind": "data"
        },
        {
          "from": "model.shop.stg",
          "to": "model.shop.report",
          "kind": "data"
        },
        {
          "from": "model.shop.forecast",
          "to": "script.forecast.AFTER.send.py",
          "kind": "order"
        },
        {
          "from": "model.shop.forecast",
          "to": "model.shop.report",
          "kind": "data"
        },
        {
          "from": "model.shop.report",
          "to": "test.shop.not_null_\"odd\" <na\\me> #1;`",
          "kind": "data"
        }
      ]
    }
    "##);
    Ok(())
}

#[test]
fn what_is_hidden_still_connects() -> Result<(), DagError> {
    let dag = shop()?;
    let shown = ["seed.shop.raw", "model.shop.report"]
        .iter()
        .filter_map(|id| dag.find(id))
        .collect();
    insta::assert_snapshot!(without_styles(&render(&dag, &shown, Format::Mermaid)), @r##"
    flowchart LR
      n0[("raw")]:::data
      n1["report"]:::sql
      n0 -.-> n1
    "##);
    Ok(())
}

/// Scripts around one model: two before it, one after it, and a child.
fn with_scripts() -> Result<Dag, DagError> {
    let mut builder = DagBuilder::new("shop");
    builder.nodes([
        node("model.shop.stg", &[]),
        node("model.shop.orders", &["model.shop.stg"]),
        node("model.shop.report", &["model.shop.orders"]),
    ]);
    for (side, name) in [
        (Side::Before, "load.py"),
        (Side::Before, "check.py"),
        (Side::After, "tell.ipynb"),
    ] {
        let word = if side == Side::Before {
            "BEFORE"
        } else {
            "AFTER"
        };
        builder.script(AttachedScript {
            id: format!("script.orders.{word}.{name}"),
            model: "model.shop.orders".to_owned(),
            side,
            file: format!("scripts/{name}"),
        });
    }
    builder.build()
}

#[test]
fn scripts_stand_around_their_model() -> Result<(), DagError> {
    insta::assert_snapshot!(without_styles(&all(&with_scripts()?, Format::Mermaid)), @r##"
    flowchart LR
      n0["stg"]:::sql
      n1>"orders.BEFORE.load.py"]:::python
      n2>"orders.BEFORE.check.py"]:::python
      n3["orders"]:::sql
      n4>"orders.AFTER.tell.ipynb"]:::python
      n5["report"]:::sql
      n0 -.-> n1
      n0 -.-> n2
      n0 --> n3
      n1 -.-> n2
      n1 -.-> n3
      n2 -.-> n3
      n3 -.-> n4
      n3 --> n5
      n4 -.-> n5
    "##);
    insta::assert_snapshot!(all(&with_scripts()?, Format::Dot), @r##"
    digraph dag {
      rankdir=LR;
      node [style=filled, fontname="sans-serif", fillcolor="#ffffff"];
      n0 [label="stg", tooltip="model.shop.stg", shape=box, fillcolor="#cfe2ff"];
      n1 [label="orders.BEFORE.load.py", tooltip="script.orders.BEFORE.load.py", shape=cds, fillcolor="#fff3bf"];
      n2 [label="orders.BEFORE.check.py", tooltip="script.orders.BEFORE.check.py", shape=cds, fillcolor="#fff3bf"];
      n3 [label="orders", tooltip="model.shop.orders", shape=box, fillcolor="#cfe2ff"];
      n4 [label="orders.AFTER.tell.ipynb", tooltip="script.orders.AFTER.tell.ipynb", shape=cds, fillcolor="#fff3bf"];
      n5 [label="report", tooltip="model.shop.report", shape=box, fillcolor="#cfe2ff"];
      n0 -> n1 [style=dashed];
      n0 -> n2 [style=dashed];
      n0 -> n3;
      n1 -> n2 [style=dashed];
      n1 -> n3 [style=dashed];
      n2 -> n3 [style=dashed];
      n3 -> n4 [style=dashed];
      n3 -> n5;
      n4 -> n5 [style=dashed];
    }
    "##);
    Ok(())
}

#[test]
fn json_tells_how_scripts_are_linked() -> Result<(), Box<dyn std::error::Error>> {
    let picture: serde_json::Value = serde_json::from_str(&all(&with_scripts()?, Format::Json))?;
    let edges = picture["edges"].as_array().ok_or("a list")?.iter();
    let lines: Vec<String> = edges
        .map(|edge| format!("{} {} {}", edge["from"], edge["kind"], edge["to"]))
        .collect();
    insta::assert_snapshot!(lines.join("\n").replace('"', ""), @r##"
    model.shop.stg order script.orders.BEFORE.load.py
    model.shop.stg order script.orders.BEFORE.check.py
    model.shop.stg data model.shop.orders
    script.orders.BEFORE.load.py sequence script.orders.BEFORE.check.py
    script.orders.BEFORE.load.py order model.shop.orders
    script.orders.BEFORE.check.py order model.shop.orders
    model.shop.orders order script.orders.AFTER.tell.ipynb
    model.shop.orders data model.shop.report
    script.orders.AFTER.tell.ipynb order model.shop.report
    "##);
    insta::assert_snapshot!(picture["nodes"][1], @r##"{"unique_id":"script.orders.BEFORE.load.py","name":"script.orders.BEFORE.load.py","kind":"script","resource_type":"script","package_name":"shop","file":"scripts/load.py","tags":[]}"##);
    Ok(())
}
