//! Scripts before and after models: what selectors make of them, and what edges they add.

mod shop;

use fal_graph::{Criteria, ResourceTypes, SelectionWarning, Selector};
use serde_json::{Map, Value, json};
use shop::{Outcome, dag, short};

/// `SELECT ! EXCLUDE => NODES`. Several arguments of a flag are separated by ` ; `. Each set was worked out from the
/// picture in `shop/mod.rs`.
const RUN: &str = "
 => stg stg>load.py orders<load.py orders<check.py orders orders>tell.py orders>after.ipynb forecast<load.py forecast forecast>forecast.py report report>tell.py report>b/tell.py lone<before.py lone

load.py => stg>load.py orders<load.py forecast<load.py
check.py => orders<check.py
eck.py => orders<check.py
+check.py => orders<check.py
1+check.py => orders<check.py
check.py+1 => orders<check.py orders
check.py+2 => orders<check.py orders orders>tell.py orders>after.ipynb forecast report
check.py+ => orders<check.py orders orders>tell.py orders>after.ipynb forecast forecast>forecast.py report report>tell.py report>b/tell.py
@check.py => stg orders<load.py orders<check.py orders orders>tell.py orders>after.ipynb forecast<load.py forecast forecast>forecast.py report report>tell.py report>b/tell.py
0+check.py+0 => orders<check.py
+load.py+1 => stg stg>load.py orders<load.py orders forecast<load.py forecast
after.ipynb => orders>after.ipynb
after.ipynb+1 => orders>after.ipynb
1+after.ipynb => orders orders>after.ipynb
2+after.ipynb => stg orders<load.py orders<check.py orders orders>after.ipynb
before.py+ => lone<before.py lone
+before.py => lone<before.py
@before.py => lone<before.py lone
tell.py => orders>tell.py report>tell.py report>b/tell.py

script.orders.AFTER.tell.py => orders>tell.py
script.orders.AFTER.tell.py+1 => orders>tell.py
script.orders.AFTER => orders>tell.py orders>after.ipynb
script.orders.BEFORE+1 => orders<load.py orders<check.py orders
script.orders => orders<load.py orders<check.py orders>tell.py orders>after.ipynb
script. => stg>load.py orders<load.py orders<check.py orders>tell.py orders>after.ipynb forecast<load.py forecast>forecast.py report>tell.py report>b/tell.py lone<before.py
AFTER.load.py => stg>load.py
orders.BEFORE.load.py => orders<load.py

scripts/load.py => stg>load.py orders<load.py
./scripts/load.py => stg>load.py orders<load.py
prep/load.py => forecast<load.py
a/tell.py => report>tell.py
b/tell.py => report>b/tell.py
+b/tell.py,report => report
scripts/**/tell.py => orders>tell.py report>tell.py report>b/tell.py
path:scripts/load.py => stg>load.py orders<load.py
path:scripts/*.py => stg>load.py orders<load.py orders<check.py orders>tell.py forecast>forecast.py lone<before.py
file:load.py => stg>load.py orders<load.py forecast<load.py
file:*.ipynb => report orders>after.ipynb
*.ipynb => report orders>after.ipynb

forecast => forecast
forecast.py => forecast forecast>forecast.py
models/ml/forecast.py => forecast
forecast.py+1 => forecast forecast>forecast.py report
1+forecast.py => orders forecast<load.py forecast forecast>forecast.py
report.ipynb => report
report.ipynb+ => report report>tell.py report>b/tell.py

orders => orders
+orders => stg orders<load.py orders<check.py orders
1+orders => stg orders<load.py orders<check.py orders
orders+1 => orders orders>tell.py orders>after.ipynb forecast report
orders+ => orders orders>tell.py orders>after.ipynb forecast forecast>forecast.py report report>tell.py report>b/tell.py
@forecast => stg orders<load.py orders<check.py orders forecast<load.py forecast forecast>forecast.py report report>tell.py report>b/tell.py
tag:core => stg orders
tag:core+1 => stg stg>load.py orders orders>tell.py orders>after.ipynb forecast report
source:crm+1 => stg
source:crm+2 => stg stg>load.py orders
raw+1 => stg
1+exposure:board => report

* => stg orders forecast report lone
shop => stg orders forecast report lone
package:shop => stg orders forecast report lone
path:models => stg orders forecast report lone
models/ml => forecast
resource_type:model => stg orders forecast report lone
resource_type:script => stg>load.py orders<load.py orders<check.py orders>tell.py orders>after.ipynb forecast<load.py forecast>forecast.py report>tell.py report>b/tell.py lone<before.py

load.py check.py => stg>load.py orders<load.py orders<check.py forecast<load.py
load.py ; check.py => stg>load.py orders<load.py orders<check.py forecast<load.py
check.py+1  tag:ml => orders<check.py orders forecast
load.py,script.orders => orders<load.py
tag:core+1,load.py => stg>load.py
tag:ml+1,forecast.py => forecast forecast>forecast.py
@tag:core,after.ipynb => orders>after.ipynb
1+tell.py,orders => orders
resource_type:script,tell.py => orders>tell.py report>tell.py report>b/tell.py
stg , lone => stg lone
stg ; , ; tell.py => stg orders>tell.py report>tell.py report>b/tell.py
, =>

 ! load.py => stg orders<check.py orders orders>tell.py orders>after.ipynb forecast forecast>forecast.py report report>tell.py report>b/tell.py lone<before.py lone
 ! check.py+ => stg stg>load.py orders<load.py forecast<load.py lone<before.py lone
 ! resource_type:script => stg orders forecast report lone
+orders ! check.py => stg orders<load.py orders
+orders ! check.py+ => stg orders<load.py
orders+1 ! tell.py forecast => orders orders>after.ipynb report
load.py+ ! resource_type:script => orders forecast report
load.py ! script.forecast => stg>load.py orders<load.py
load.py ! , ; check.py => stg>load.py orders<load.py forecast<load.py

state:modified => orders lone
state:modified+1 => orders orders>tell.py orders>after.ipynb forecast report lone
state:modified check.py => orders<check.py orders lone
1+state:modified,script. => orders<load.py orders<check.py lone<before.py
state:modified+,tell.py => orders>tell.py report>tell.py report>b/tell.py
 ! state:modified+ => stg stg>load.py orders<load.py orders<check.py forecast<load.py lone<before.py

selector:loaders => stg>load.py orders<load.py orders forecast<load.py forecast
selector:notified ! report => orders>tell.py report>tell.py report>b/tell.py
";

/// The same, for expressions that match nothing and say so.
const NOTHING: &str = "
missing.py
LOAD.PY
tell
scripts
scripts/prep
path:scripts
file:load
fqn:load.py
script.missing
tag:core,load.py
package:shop,load.py
";

/// The same for other commands: `COMMAND: SELECT => NODES`.
const OTHERS: &str = "
build: check.py+1 => orders<check.py orders not_null_orders
build: tell.py => orders>tell.py report>tell.py report>b/tell.py
build: orders+1 => orders orders>tell.py orders>after.ipynb forecast report not_null_orders
test: load.py+1 => not_null_orders
test: after.ipynb =>
seed: +load.py => raw
ls: +check.py => orders<check.py
ls: report.ipynb+1,exposure:* => board
";

fn arguments(text: &str) -> Vec<String> {
    text.split(" ; ")
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

fn definitions() -> Map<String, Value> {
    let definitions = json!({
        "loaders": {"definition": {"union": ["load.py+1"]}},
        "notified": {"definition": {"union": [{"method": "file", "value": "tell.py"}, "report"]}},
    });
    definitions.as_object().cloned().unwrap_or_default()
}

/// Names of the selected nodes, and the expressions that matched nothing.
fn answer(command: &str, select: &str, exclude: &str) -> Outcome<(Vec<String>, Vec<String>)> {
    let (dag, definitions) = (dag()?, definitions());
    let modified = |method: &str, value: &str| match (method, value) {
        ("state", "modified") => Ok(vec![
            "model.shop.orders".to_owned(),
            "model.shop.lone".to_owned(),
        ]),
        _ => Err("unexpected".into()),
    };
    let criteria = Criteria {
        select: arguments(select),
        exclude: arguments(exclude),
        resource_types: ResourceTypes::of_command(command),
        ..Criteria::default()
    };
    let selection = Selector::new(&dag)
        .with_definitions(&definitions)
        .with_external(&modified)
        .select(&criteria)?;
    let names = selection.ids(&dag).into_iter().map(short).collect();
    let unmatched = selection
        .warnings
        .into_iter()
        .filter_map(|warning| match warning {
            SelectionWarning::NothingMatched { expression, .. } => Some(expression),
            _ => None,
        });
    Ok((names, unmatched.collect()))
}

/// Lines of a table whose answer is another one.
fn differences<'t>(
    table: &'t str,
    command: impl Fn(&'t str) -> (&'t str, &'t str),
) -> Outcome<(usize, Vec<String>)> {
    let mut wrong = Vec::new();
    let lines = table.lines().filter(|line| line.contains("=>"));
    let mut count = 0;
    for line in lines {
        count += 1;
        let (question, expected) = line.split_once("=>").unwrap_or_default();
        let (command, question) = command(question);
        let (select, exclude) = question.split_once(" ! ").unwrap_or((question, ""));
        let (mut expected, (mut own, unmatched)) = (
            expected
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>(),
            answer(command, select, exclude)?,
        );
        expected.sort();
        own.sort();
        if own != expected || !unmatched.is_empty() {
            wrong.push(format!(
                "{line}\n  got {} (unmatched: {})",
                own.join(" "),
                unmatched.join(" ")
            ));
        }
    }
    Ok((count, wrong))
}

#[test]
fn selectors_find_scripts() -> Outcome {
    let (count, wrong) = differences(RUN, |question| ("run", question))?;
    assert!(
        wrong.is_empty(),
        "{} of {count} differ\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(count >= 60, "the table shrank to {count}");
    Ok(())
}

#[test]
fn other_commands_take_the_scripts_that_they_run() -> Outcome {
    let (count, wrong) = differences(OTHERS, |question| {
        question.split_once(": ").unwrap_or_default()
    })?;
    assert!(
        wrong.is_empty(),
        "{} of {count} differ\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    Ok(())
}

#[test]
fn an_expression_that_finds_nothing_is_told_and_is_no_error() -> Outcome {
    for expression in NOTHING.lines().filter(|line| !line.is_empty()) {
        assert_eq!(
            answer("run", expression, "")?,
            (vec![], vec![expression.to_owned()]),
            "{expression}"
        );
        let beside = answer("run", &format!("lone {expression}"), "")?;
        assert_eq!(
            beside,
            (vec!["lone".to_owned()], vec![expression.to_owned()]),
            "{expression}"
        );
    }
    Ok(())
}

#[test]
fn a_misspelled_script_gets_advice() -> Outcome {
    let dag = dag()?;
    let criteria = Criteria {
        select: vec!["laod.py+".to_owned()],
        ..Criteria::default()
    };
    let warnings = Selector::new(&dag).select(&criteria)?.warnings;
    insta::assert_snapshot!(warnings[0], @"The selection criterion 'laod.py+' does not match any enabled nodes; did you mean 'load.py'?");
    Ok(())
}

#[test]
fn edges_are_those_of_the_picture() -> Outcome {
    let dag = dag()?;
    let name = |id| short(dag.node(id).unique_id());
    let mut lines: Vec<String> = Vec::new();
    for (id, _) in dag.nodes() {
        let mut children: Vec<String> = dag
            .children(id)
            .map(|(child, kind)| format!("{} ({kind:?})", name(child)))
            .collect();
        children.sort();
        if !children.is_empty() {
            lines.push(format!("{} -> {}", name(id), children.join(", ")));
        }
    }
    insta::assert_snapshot!(lines.join("\n"), @r"
    accounts -> stg (Data)
    raw -> stg (Data)
    stg -> orders (Data), orders<check.py (Order), orders<load.py (Order), stg>load.py (Order)
    orders -> forecast (Data), forecast<load.py (Order), not_null_orders (Data), orders>after.ipynb (Order), orders>tell.py (Order), report (Data)
    forecast -> forecast>forecast.py (Order), report (Data)
    report -> board (Data), report>b/tell.py (Order), report>tell.py (Order)
    stg>load.py -> orders (Order), orders<check.py (Order), orders<load.py (Order)
    orders<load.py -> orders (Order), orders<check.py (Sequence)
    orders<check.py -> orders (Order)
    orders>tell.py -> forecast (Order), forecast<load.py (Order), orders>after.ipynb (Sequence), report (Order)
    orders>after.ipynb -> forecast (Order), forecast<load.py (Order), report (Order)
    forecast<load.py -> forecast (Order)
    forecast>forecast.py -> report (Order)
    report>tell.py -> board (Order), report>b/tell.py (Sequence)
    report>b/tell.py -> board (Order)
    lone<before.py -> lone (Order)
    ");
    Ok(())
}
