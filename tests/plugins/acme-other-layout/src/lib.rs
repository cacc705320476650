//! A library whose probe is right and whose root type has another layout.

use abi_stable::{
    declare_root_module_statics, export_root_module,
    library::RootModule,
    prefix_type::PrefixTypeTrait,
    sabi_types::VersionStrings,
    std_types::{RStr, RString},
    StableAbi,
};
use fal_plugin::__private::abi_stable;

/// A root type whose fields have other names and types than the interface's.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = OtherRootRef)))]
#[sabi(missing_field(panic))]
pub struct OtherRoot {
    /// A field that the interface does not have here.
    #[sabi(last_prefix_field)]
    pub describe: extern "C" fn(u64) -> RString,
}

impl RootModule for OtherRootRef {
    declare_root_module_statics! {OtherRootRef}
    const BASE_NAME: &'static str = "fal_plugin";
    const NAME: &'static str = "fal_plugin";
    const VERSION_STRINGS: VersionStrings = VersionStrings { version: RStr::from_str("1.0.0") };
}

extern "C" fn describe(number: u64) -> RString {
    number.to_string().into()
}

/// The root module, exported under the name that the host looks for.
#[export_root_module]
pub fn root() -> OtherRootRef {
    OtherRoot { describe }.leak_into_prefix()
}

/// The probe, as the export macro writes it.
#[no_mangle]
pub extern "C" fn fal_plugin_probe() -> *const std::ffi::c_char {
    c"{\"name\":\"acme-other-layout\",\"version\":\"0.3.0\",\"interface\":\"1.0.0\"}".as_ptr()
}
