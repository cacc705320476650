//! The types that cross the boundary of a dynamic library. They are few and do not grow: everything that may change
//! travels as JSON behind a method name, see [`wire`](crate::wire).

#![allow(unsafe_code, reason = "the macros of abi_stable write it")]
#![allow(
    unused_qualifications,
    reason = "the macros of abi_stable repeat paths"
)]
#![allow(
    clippy::all,
    reason = "the macros of abi_stable write the code that would be complained of"
)]
#![allow(
    non_local_definitions,
    reason = "the macros of abi_stable write the code that would be complained of"
)]

use abi_stable::{
    declare_root_module_statics,
    library::RootModule,
    package_version_strings, sabi_trait,
    sabi_types::VersionStrings,
    std_types::{RBox, RResult, RSlice, RStr, RString, RVec},
    StableAbi,
};

/// A stage of a plugin, as the host calls it: methods by name, JSON in, JSON out. `attachment`
/// holds bytes that would be wasteful as JSON, such as the text of a file.
#[sabi_trait]
pub trait StageObject: Send + Sync + 'static {
    /// Calls a method. The error is the JSON of a [`WireError`](crate::wire::WireError).
    fn call(
        &self,
        method: RStr<'_>,
        request: RSlice<'_, u8>,
        attachment: RSlice<'_, u8>,
    ) -> RResult<RVec<u8>, RVec<u8>>;
}

/// The host, as a plugin sees it.
#[sabi_trait]
pub trait HostObject: Send + Sync + 'static {
    /// Takes the JSON of an event.
    fn event(&self, event: RSlice<'_, u8>);
}

/// A stage that may be called from any thread.
pub type StageBox = StageObject_TO<RBox<()>>;
/// The host as a plugin holds it.
pub type HostBox = HostObject_TO<RBox<()>>;

/// The root module that a library exports.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PluginRootRef)))]
#[sabi(missing_field(panic))]
pub struct PluginRoot {
    /// The JSON of the [`Manifest`](crate::manifest::Manifest).
    pub manifest: extern "C" fn() -> RString,
    /// Opens the stage with a name. The configuration is JSON.
    #[sabi(last_prefix_field)]
    pub open: extern "C" fn(RStr<'_>, RStr<'_>, HostBox) -> RResult<StageBox, RVec<u8>>,
}

impl RootModule for PluginRootRef {
    declare_root_module_statics! {PluginRootRef}
    const BASE_NAME: &'static str = "fal_plugin";
    const NAME: &'static str = "fal_plugin";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}
