//! A dbt project on disk: configuration, discovery of models, stubs, .dbtignore.
