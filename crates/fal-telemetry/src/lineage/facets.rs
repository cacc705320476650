//! Facets: parts of an event, each with the address of its schema.

use serde_json::{Value, json};

/// What makes these events, for those who read them.
pub(super) const PRODUCER: &str = concat!(
    "https://github.com/fal-host/fal-host/tree/v",
    env!("CARGO_PKG_VERSION")
);

/// The schemas by facet, with the version that these events keep to.
const SCHEMAS: &[(&str, &str)] = &[
    ("parent", "1-2-0/ParentRunFacet"),
    ("processing_engine", "1-1-1/ProcessingEngineRunFacet"),
    ("errorMessage", "1-0-1/ErrorMessageRunFacet"),
    ("jobType", "2-0-4/JobTypeJobFacet"),
    ("sql", "1-1-0/SQLJobFacet"),
    ("sourceCode", "1-0-1/SourceCodeJobFacet"),
    ("dataSource", "1-0-1/DatasourceDatasetFacet"),
    ("schema", "1-2-0/SchemaDatasetFacet"),
    (
        "outputStatistics",
        "1-0-2/OutputStatisticsOutputDatasetFacet",
    ),
    (
        "dataQualityAssertions",
        "1-1-0/DataQualityAssertionsDatasetFacet",
    ),
];

/// Adds a facet to an object of facets.
pub(super) fn add(facets: &mut Value, name: &str, mut facet: Value) {
    let schema = SCHEMAS.iter().find(|(known, _)| *known == name);
    debug_assert!(schema.is_some(), "{name} has no schema");
    let path = schema.map_or("", |(_, path)| path);
    let class = path.rsplit('/').next().unwrap_or_default();
    facet["_producer"] = PRODUCER.into();
    facet["_schemaURL"] =
        format!("https://openlineage.io/spec/facets/{path}.json#/$defs/{class}").into();
    facets[name] = facet;
}

/// Returns facets with this one.
pub(super) fn one(name: &str, facet: Value) -> Value {
    let mut facets = json!({});
    add(&mut facets, name, facet);
    facets
}
