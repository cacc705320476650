//! Stub writer plugin: ephemeral SQL stubs with a checksum guard.
