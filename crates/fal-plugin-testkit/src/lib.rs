//! The contract of each stage of fal-host as named cases, for authors of plugins.
