//! `fal-host graph`.

use fal_graph::{Criteria, Format, ResourceTypes};

use super::ls::selected;
use crate::{
    args::{GraphArgs, GraphFormat},
    context::Context,
    error::CliError,
    exit::Ended,
};

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
