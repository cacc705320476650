//! A plugin with the right types that answers every call with bytes that are not JSON.

use abi_stable::{
    export_root_module,
    prefix_type::PrefixTypeTrait,
    sabi_trait::TD_Opaque,
    std_types::{RResult, RSlice, RStr, RString, RVec},
};
use fal_plugin::abi::{HostBox, PluginRoot, PluginRootRef, StageBox, StageObject, StageObject_TO};

struct Nonsense;

impl StageObject for Nonsense {
    fn call(
        &self,
        method: RStr<'_>,
        _request: RSlice<'_, u8>,
        _attachment: RSlice<'_, u8>,
    ) -> RResult<RVec<u8>, RVec<u8>> {
        // Answer the calls of a client's constructor properly, so that the wrong answers come
        // during the work.
        RResult::ROk(RVec::from(match method.as_str() {
            "folder" => b"\"fal\"".to_vec(),
            "extensions" => b"[\"ipynb\"]".to_vec(),
            "capabilities" => b"{\"sql\": true, \"python\": true}".to_vec(),
            _ => b"colourless green ideas sleep furiously".to_vec(),
        }))
    }
}

extern "C" fn manifest() -> RString {
    r#"{"name": "acme-nonsense", "version": "0.3.0", "interface": "1.0.0", "payload": 1,
        "stages": ["python-parser", "notebook-parser", "stub-writer", "execution-backend"]}"#
        .into()
}

extern "C" fn open(_stage: RStr<'_>, _config: RStr<'_>, _host: HostBox) -> RResult<StageBox, RVec<u8>> {
    RResult::ROk(StageObject_TO::from_value(Nonsense, TD_Opaque))
}

/// The root module, as the export macro creates it.
#[export_root_module]
pub fn root() -> PluginRootRef {
    PluginRoot { manifest, open }.leak_into_prefix()
}

/// The probe, as the export macro writes it.
#[no_mangle]
pub extern "C" fn fal_plugin_probe() -> *const std::ffi::c_char {
    c"{\"name\":\"acme-nonsense\",\"version\":\"0.3.0\",\"interface\":\"1.0.0\"}".as_ptr()
}
