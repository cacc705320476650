//! The text of a stub, byte for byte as projects have committed it.

use crate::{
    checksum::{checksum, MARKER},
    config::Relation,
};

/// Returns the stub with these lines of dependencies.
pub(crate) fn render(dependencies: &[String], relation: Relation) -> String {
    let body = |sum: &str| {
        text(
            &format!("{MARKER}{sum}"),
            &dependencies.join("\n"),
            relation,
        )
    };
    body(&format!(" {}", checksum(&body(""))))
}

fn text(marker: &str, dependencies: &str, relation: Relation) -> String {
    let relation = match relation {
        Relation::This => "{{ this }}",
        Relation::TargetSchema => "{{ target.schema }}.{{ model.name }}",
    };
    format!(
        "\n{{{{ config(materialized='ephemeral') }}}}\n/*\n{marker}\n\nScript dependencies:\n\n{dependencies}\n\n*/\n\n\
         SELECT * FROM {relation}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_relation_can_be_asked_for() {
        let stub = render(&["{{ ref('model_a') }}".to_owned()], Relation::TargetSchema);
        insta::assert_snapshot!(stub, @"
        {{ config(materialized='ephemeral') }}
        /*
        FAL_GENERATED b6a6d6e296f63595d713c7ecc6a73f4a

        Script dependencies:

        {{ ref('model_a') }}

        */

        SELECT * FROM {{ target.schema }}.{{ model.name }}
        ");
    }

    #[test]
    fn a_stub_starts_with_an_empty_line_and_ends_with_one_newline() {
        let stub = render(&[], Relation::This);
        assert!(stub.starts_with("\n{{ config"));
        assert!(stub.ends_with("{{ this }}\n"));
        assert!(stub.contains("dependencies:\n\n\n\n*/"));
    }
}
