//! The datasets that nodes read and write.

use std::collections::HashMap;

use fal_plugin::payload::GraphNode;
use fal_report::ProjectGraph;
use serde_json::{Map, Value, json};

use super::facets;

/// A node, as far as lineage goes.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// The dataset's name; `None` for what is no relation.
    pub(super) dataset: Option<String>,
    /// Unique ids of what it reads.
    reads: Vec<String>,
    /// The code of a Python model.
    pub(super) code: Option<String>,
    /// Of a test: what it asserts, and of which column.
    pub(super) assertion: Option<(String, Option<String>)>,
    columns: Vec<Value>,
}

/// The nodes of a project, and the place of its warehouse.
#[derive(Debug, Default)]
pub(super) struct Datasets {
    namespace: String,
    places: HashMap<String, Place>,
}

impl Datasets {
    pub(super) fn new(project: &dyn ProjectGraph) -> Self {
        let lineage = project.lineage();
        let places = project.members().into_iter().map(|member| {
            let node = member.node;
            let place = Place {
                dataset: is_relation(node, member.is_python).then(|| name(node)),
                reads: member.reads.into_iter().map(str::to_owned).collect(),
                code: member.code.map(str::to_owned),
                assertion: assertion(node),
                columns: lineage
                    .columns
                    .get(&node.unique_id)
                    .map(columns)
                    .unwrap_or_default(),
            };
            (node.unique_id.clone(), place)
        });
        Self {
            places: places.collect(),
            namespace: namespace(&project.info().adapter, &lineage.connection),
        }
    }

    pub(super) fn get(&self, unique_id: &str) -> Option<&Place> {
        self.places.get(unique_id)
    }

    /// Returns the datasets that a node reads, those of ephemeral models in the place of these.
    pub(super) fn inputs(&self, unique_id: &str) -> Vec<Value> {
        let mut found: Vec<&str> = Vec::new();
        let mut seen: Vec<&str> = Vec::new();
        let reads = |id: &str| self.places.get(id).map(|place| place.reads.iter());
        let mut todo: Vec<&String> = reads(unique_id).into_iter().flatten().collect();
        todo.reverse();
        while let Some(id) = todo.pop() {
            let Some(place) = self.places.get(id).filter(|_| !seen.contains(&id.as_str())) else {
                continue;
            };
            seen.push(id);
            if place.dataset.is_some() {
                found.push(id);
            } else {
                todo.extend(&place.reads);
            }
        }
        found.iter().filter_map(|id| self.dataset(id)).collect()
    }

    /// Returns the dataset that a node is.
    pub(super) fn dataset(&self, unique_id: &str) -> Option<Value> {
        let place = self.places.get(unique_id)?;
        let name = place.dataset.as_ref()?;
        let source = json!({ "name": self.namespace, "uri": self.namespace });
        let mut all = facets::one("dataSource", source);
        if !place.columns.is_empty() {
            facets::add(&mut all, "schema", json!({ "fields": place.columns }));
        }
        Some(json!({ "namespace": self.namespace, "name": name, "facets": all }))
    }
}

fn is_relation(node: &GraphNode, is_python: bool) -> bool {
    match node.resource_type.as_str() {
        "seed" | "snapshot" | "source" => true,
        "model" => is_python || node.materialized() != Some("ephemeral"),
        _ => false,
    }
}

/// Returns the name of a node's dataset: `database.schema.table`.
fn name(node: &GraphNode) -> String {
    let table = node.alias.as_deref().unwrap_or(&node.name);
    let parts = [
        node.database.as_deref().unwrap_or_default(),
        node.schema.as_deref().unwrap_or_default(),
        table,
    ];
    joined(&parts)
}

/// Joins the parts that are not empty.
pub(super) fn joined(parts: &[&str]) -> String {
    let parts = parts.iter().filter(|part| !part.is_empty());
    parts.copied().collect::<Vec<_>>().join(".")
}

fn assertion(node: &GraphNode) -> Option<(String, Option<String>)> {
    if node.resource_type != "test" {
        return None;
    }
    let metadata = node.extra.get("test_metadata");
    let name = metadata.and_then(|metadata| metadata["name"].as_str());
    let column = metadata.and_then(|metadata| metadata["kwargs"]["column_name"].as_str());
    let name = name.unwrap_or(&node.name).to_owned();
    Some((name, column.map(str::to_owned)))
}

fn columns(columns: &Value) -> Vec<Value> {
    let columns = columns.as_object().into_iter().flat_map(Map::values);
    let field = |column: &Value| {
        let mut field = json!({ "name": column["name"].as_str()? });
        for (ours, of_dbt) in [("type", "data_type"), ("description", "description")] {
            if let Some(text) = column[of_dbt].as_str().filter(|text| !text.is_empty()) {
                field[ours] = text.into();
            }
        }
        Some(field)
    };
    columns.filter_map(field).collect()
}

/// Returns the namespace of a warehouse by OpenLineage's naming, as `dbt-ol` forms it.
fn namespace(adapter: &str, connection: &Map<String, Value>) -> String {
    let get = |name: &str| match connection.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let address = |scheme: &str, host: &str, default: &str| {
        let port = Some(get("port")).filter(|port| !port.is_empty());
        let port = port.unwrap_or_else(|| default.to_owned());
        match port.as_str() {
            "" => format!("{scheme}://{}", get(host)),
            port => format!("{scheme}://{}:{port}", get(host)),
        }
    };
    match adapter {
        // What follows `?` may be a token.
        "duckdb" => {
            let path = get("path");
            format!("duckdb://{}", path.split('?').next().unwrap_or_default())
        }
        "postgres" => address("postgres", "host", "5432"),
        "redshift" => address("redshift", "host", "5439"),
        "snowflake" => format!("snowflake://{}", snowflake_account(&get("account"))),
        "bigquery" => "bigquery".to_owned(),
        "databricks" => format!("databricks://{}", get("host")),
        "sqlserver" => address("mssql", "server", "1433"),
        "fabric" => address("fabric-warehouse", "server", ""),
        "athena" => format!("awsathena://athena.{}.amazonaws.com", get("region_name")),
        "glue" => format!("arn:aws:glue:{}:{}", get("region"), get("account_id")),
        "dremio" => address("dremio", "software_host", ""),
        "spark" => address("spark", "host", spark_port(&get("method"))),
        other => address(other, "host", ""),
    }
}

/// Adds the region and the cloud that an account's short name means.
fn snowflake_account(account: &str) -> String {
    match account.split('.').collect::<Vec<_>>().as_slice() {
        // `organization-account` has no region.
        [name, ..] if name.contains('-') => (*name).to_owned(),
        [name] => format!("{name}.us-west-1.aws"),
        [name, region] => format!("{name}.{region}.aws"),
        _ => account.to_owned(),
    }
}

fn spark_port(method: &str) -> &'static str {
    match method {
        "thrift" => "10001",
        _ => "443",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(adapter: &str, profile: Value) -> String {
        let profile = profile.as_object().cloned().unwrap_or_default();
        namespace(adapter, &profile)
    }

    #[test]
    fn namespaces_are_those_of_the_naming_specification() {
        let postgres = json!({ "host": "db.example", "port": 6543 });
        assert_eq!(at("postgres", postgres), "postgres://db.example:6543");
        let postgres = json!({ "host": "db.example" });
        assert_eq!(at("postgres", postgres), "postgres://db.example:5432");
        assert_eq!(
            at(
                "duckdb",
                json!({ "path": "md:shop?motherduck_token=secret" })
            ),
            "duckdb://md:shop"
        );
        assert_eq!(at("bigquery", json!({})), "bigquery");
        let account = json!({ "account": "ab12345.eu-central-1" });
        assert_eq!(
            at("snowflake", account),
            "snowflake://ab12345.eu-central-1.aws"
        );
        let account = json!({ "account": "ACME-Shop" });
        assert_eq!(at("snowflake", account), "snowflake://ACME-Shop");
        let host = json!({ "host": "dbc.example" });
        assert_eq!(at("databricks", host), "databricks://dbc.example");
    }
}
