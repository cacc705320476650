//! A library whose probe names an interface version that never existed.

/// The probe, as the export macro of that interface would write it.
#[no_mangle]
pub extern "C" fn fal_plugin_probe() -> *const std::ffi::c_char {
    c"{\"name\":\"acme-old-interface\",\"version\":\"0.3.0\",\"interface\":\"0.9.0\"}".as_ptr()
}
