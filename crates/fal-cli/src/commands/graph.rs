//! `fal-host ls` and `fal-host graph`.

use fal_graph::{Criteria, Format, Node, ResourceTypes};
use fal_host::{Graph, HostError, Project};
use serde_json::json;

use crate::{
    args::{GraphArgs, GraphFormat, LsArgs, LsOutput, SelectArgs},
    context::Context,
    error::CliError,
    exit::Ended,
};

pub(super) fn ls(context: &Context, args: &LsArgs) -> Result<Ended, CliError> {
    let types = ResourceTypes::of_command("ls")
        .narrowed(&args.resource_type, &args.exclude_resource_type)
        .map_err(HostError::from)?;
    let criteria = Criteria {
        resource_types: types,
        include_empty: true,
        ..args.select.criteria()?
    };
    let Graph {
        dag,
        selection,
        runners,
        ..
    } = selected(context, &args.select, &criteria)?;
    let runner = |id| runners.get(&id).map(String::as_str);
    let mut lines: Vec<String> = selection
        .nodes
        .iter()
        .map(|id| line(dag.node(id), runner(id), args))
        .collect();
    lines.sort_unstable();
    context.output.data(
        &lines
            .into_iter()
            .map(|line| line + "\n")
            .collect::<String>(),
    )?;
    Ok(Ended::Well)
}

pub(super) fn graph(context: &Context, args: &GraphArgs) -> Result<Ended, CliError> {
    let criteria = Criteria {
        resource_types: ResourceTypes::of_command("ls"),
        ..args.select.criteria()?
    };
    let graph = selected(context, &args.select, &criteria)?;
    let format = match args.format {
        GraphFormat::Dot => Format::Dot,
        GraphFormat::Mermaid => Format::Mermaid,
        GraphFormat::Json => Format::Json,
    };
    context.output.data(&fal_graph::render(
        &graph.dag,
        &graph.selection.nodes,
        format,
    ))?;
    Ok(Ended::Well)
}

/// Reads the graph and selects nodes of it.
fn selected(
    context: &Context,
    select: &SelectArgs,
    criteria: &Criteria,
) -> Result<Graph, CliError> {
    let project = Project::open(context.project_args(select.dbt_args()))?;
    context.report(|reporters| fal_host::graph(&project, criteria, reporters, &context.interrupt))
}

fn line(node: &Node, runner: Option<&str>, args: &LsArgs) -> String {
    match args.output {
        LsOutput::Name => node.name().to_owned(),
        LsOutput::Path => node.file().to_owned(),
        LsOutput::Selector => selector(node),
        LsOutput::Json => object(node, runner, &args.output_keys),
    }
}

/// The node as JSON, with these keys of it, or all.
fn object(node: &Node, runner: Option<&str>, keys: &[String]) -> String {
    let spec = node.spec();
    let mut object = json!({
        "unique_id": spec.unique_id,
        "name": spec.name,
        "resource_type": spec.resource_type,
        "package_name": spec.package_name,
        "original_file_path": node.file(),
        "kind": node.kind().as_str(),
        "alias": spec.alias,
        "tags": spec.tags,
        "config": spec.config,
        "depends_on": { "nodes": spec.depends_on },
        "runner": runner,
    });
    if let (false, Some(object)) = (keys.is_empty(), object.as_object_mut()) {
        let further = json!({
            "access": spec.access, "database": spec.database, "fqn": spec.fqn, "group": spec.group,
            "language": spec.language, "latest_version": spec.latest_version, "meta": spec.meta,
            "patch_path": spec.patch_path, "path": spec.path, "relation_name": spec.relation_name,
            "schema": spec.schema, "source_name": spec.source_name, "version": spec.version,
        });
        let further = further.as_object().into_iter().flatten();
        let further = further
            .chain(&spec.extra)
            .filter(|(_, value)| !value.is_null());
        object.extend(further.map(|(key, value)| (key.clone(), value.clone())));
        object.retain(|key, _| keys.contains(key));
    }
    object.to_string()
}

/// As `dbt ls` prints it.
fn selector(node: &Node) -> String {
    let spec = node.spec();
    let qualified = |kind: &str| format!("{kind}:{}.{}", spec.package_name, spec.name);
    match spec.resource_type.as_str() {
        "source" => {
            format!(
                "source:{}.{}.{}",
                spec.package_name,
                spec.source_name.as_deref().unwrap_or_default(),
                spec.name
            )
        }
        "script" => spec.name.clone(),
        kind @ ("exposure" | "metric" | "saved_query" | "semantic_model" | "unit_test") => {
            qualified(kind)
        }
        _ => spec.fqn.join("."),
    }
}
