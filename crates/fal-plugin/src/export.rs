//! Exports a crate as a plugin: [`export_plugin!`](crate::export_plugin) and the code behind it.

use std::{
    any::Any,
    cell::RefCell,
    panic::{self, catch_unwind, AssertUnwindSafe},
    sync::{Arc, Once},
};

use abi_stable::{
    sabi_trait::TD_Opaque,
    std_types::{RResult, RSlice, RStr, RString, RVec},
};
use serde_json::Value;

use crate::{
    abi::{HostBox, StageBox, StageObject, StageObject_TO},
    error::PluginError,
    manifest::{Manifest, Stage, INTERFACE_VERSION},
    payload::PAYLOAD_VERSION,
    stage::{ExecutionBackend, NotebookParser, PythonParser, StubWriter},
    wire::{
        encode, serve_guarded, Serve, ServedBackend, ServedNotebookParser, ServedPythonParser,
        ServedStubWriter, WireError,
    },
};

thread_local! {
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Keeps a panic's message and place instead of printing them: the host shows them with the plugin's name. A library has
/// its own hook, so this changes nothing outside it.
fn keep_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        panic::set_hook(Box::new(|info| {
            LAST_PANIC.set(Some(info.to_string().replace('\n', " ")))
        }));
    });
}

pub(crate) fn panic_message(cause: &(dyn Any + Send)) -> String {
    let plain = || {
        let text = cause.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or_else(|| cause.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".to_owned())
    };
    LAST_PANIC.take().unwrap_or_else(plain)
}

/// A stage that the host holds. It is empty once the stage is dropped.
struct Exported(Option<Box<dyn Serve>>);

impl Drop for Exported {
    fn drop(&mut self) {
        let stage = self.0.take();
        // Catch panics: one that unwinds across the boundary would abort the host.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(stage)));
    }
}

impl StageObject for Exported {
    fn call(
        &self,
        method: RStr<'_>,
        request: RSlice<'_, u8>,
        attachment: RSlice<'_, u8>,
    ) -> RResult<RVec<u8>, RVec<u8>> {
        let served = |stage: &dyn Serve| {
            serve_guarded(
                stage,
                method.as_str(),
                request.as_slice(),
                attachment.as_slice(),
            )
        };
        match self.0.as_deref().map(served) {
            Some(Ok(answer)) => RResult::ROk(answer.into()),
            Some(Err(error)) => RResult::RErr(error.into()),
            None => RResult::RErr(RVec::new()),
        }
    }
}

/// A stage that is being exported. Used by the macro only.
#[doc(hidden)]
pub struct Served(Box<dyn Serve>);

impl Served {
    pub fn python_parser<P: PythonParser + 'static>(parser: P) -> Self {
        Self(Box::new(ServedPythonParser(parser)))
    }

    pub fn notebook_parser<P: NotebookParser + 'static>(parser: P) -> Self {
        Self(Box::new(ServedNotebookParser(parser)))
    }

    pub fn stub_writer<W: StubWriter + 'static>(writer: W) -> Self {
        Self(Box::new(ServedStubWriter(writer)))
    }

    pub fn execution_backend<B: ExecutionBackend + 'static>(backend: B, host: HostBox) -> Self {
        let emit = move |event: &[u8]| host.event(RSlice::from_slice(event));
        Self(Box::new(ServedBackend::new(backend, Arc::new(emit))))
    }
}

/// Opens a stage for the host. Used by the macro only.
#[doc(hidden)]
pub fn open_stage(
    stage: RStr<'_>,
    config: RStr<'_>,
    host: HostBox,
    make: impl FnOnce(Stage, &Value, HostBox) -> Result<Served, PluginError>,
) -> RResult<StageBox, RVec<u8>> {
    keep_panics();
    let made = catch_unwind(AssertUnwindSafe(|| {
        let kind = Stage::from_name(stage.as_str()).ok_or_else(|| no_such_stage(stage.as_str()))?;
        let config: Value = serde_json::from_str(config.as_str()).map_err(|cause| {
            PluginError::new(
                "plugin::bad_request",
                format!("unreadable configuration: {cause}"),
            )
        })?;
        make(kind, &config, host)
    }));
    match made {
        Ok(Ok(served)) => RResult::ROk(StageObject_TO::from_value(
            Exported(Some(served.0)),
            TD_Opaque,
        )),
        Ok(Err(error)) => RResult::RErr(encode(&WireError::Plugin { error }).into()),
        Err(cause) => RResult::RErr(
            encode(&WireError::Panic {
                message: panic_message(&*cause),
            })
            .into(),
        ),
    }
}

/// Returns the error for a stage that the plugin does not fill. Used by the macro only.
#[doc(hidden)]
pub fn no_such_stage(stage: impl std::fmt::Display) -> PluginError {
    PluginError::new(
        "plugin::no_such_stage",
        format!("the plugin has no stage `{stage}`"),
    )
}

/// Returns the manifest as JSON. Used by the macro only.
#[doc(hidden)]
pub fn manifest_json(
    name: &str,
    version: &str,
    description: &str,
    stages: &[Stage],
    config_schema: Option<fn() -> Value>,
) -> RString {
    keep_panics();
    let schema = config_schema.and_then(|schema| catch_unwind(schema).ok());
    let manifest = Manifest {
        name: name.to_owned(),
        version: version.to_owned(),
        interface: INTERFACE_VERSION.to_owned(),
        payload: PAYLOAD_VERSION,
        stages: stages.to_vec(),
        description: description.to_owned(),
        config_schema: schema,
    };
    String::from_utf8(encode(&manifest))
        .unwrap_or_default()
        .into()
}

/// Exports a crate as a plugin. The crate is a `cdylib` of edition 2021, without `panic = "abort"`.
///
/// Each stage is a function `fn(&serde_json::Value) -> Result<impl Stage, PluginError>` that gets the plugin's
/// configuration. Name and version are those of the package.
///
/// ```
/// use fal_plugin::{payload::{Stub, StubRequest, StubVerdict, StubVerdictRequest}, PluginError, StubWriter};
///
/// struct Plain;
///
/// impl StubWriter for Plain {
///     fn folder(&self) -> String {
///         "plain".into()
///     }
///     fn render(&self, request: &StubRequest) -> Result<Stub, PluginError> {
///         Ok(Stub { path: format!("plain/{}.sql", request.model), content: "select 1".into() })
///     }
///     fn judge(&self, _: &StubVerdictRequest) -> Result<StubVerdict, PluginError> {
///         Ok(StubVerdict::Foreign)
///     }
/// }
///
/// fal_plugin::export_plugin! {
///     description: "Writes plain stubs",
///     stub_writer: |_config| Ok(Plain),
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! export_plugin {
    (
        description: $description:expr,
        $(config_schema: $schema:expr,)?
        $(python_parser: $python_parser:expr,)?
        $(notebook_parser: $notebook_parser:expr,)?
        $(stub_writer: $stub_writer:expr,)?
        $(execution_backend: $execution_backend:expr,)?
    ) => {
        #[doc(hidden)]
        #[allow(unsafe_code, missing_docs, unreachable_pub)]
        mod __fal_plugin_export {
            #[allow(unused_imports)]
            use super::*;
            // What the plugin names must be the plugin's: nothing here has a name that an author would choose.
            use $crate::__private::abi_stable::{
                library as __library, prefix_type::PrefixTypeTrait as _, std_types as __std_types,
            };

            /// Name, version and interface as JSON that ends with a zero byte: readable before any type is trusted.
            #[no_mangle]
            pub extern "C" fn fal_plugin_probe() -> *const ::std::ffi::c_char {
                concat!(
                    "{\"name\":\"", env!("CARGO_PKG_NAME"), "\",\"version\":\"", env!("CARGO_PKG_VERSION"),
                    "\",\"interface\":\"", $crate::interface_version!(), "\"}\0"
                ).as_ptr().cast()
            }

            extern "C" fn __manifest() -> __std_types::RString {
                let stages: &[$crate::manifest::Stage] = &[
                    $({ let _ = stringify!($python_parser); $crate::manifest::Stage::PythonParser },)?
                    $({ let _ = stringify!($notebook_parser); $crate::manifest::Stage::NotebookParser },)?
                    $({ let _ = stringify!($stub_writer); $crate::manifest::Stage::StubWriter },)?
                    $({ let _ = stringify!($execution_backend); $crate::manifest::Stage::ExecutionBackend },)?
                ];
                #[allow(unused_mut, unused_assignments)]
                let mut schema: Option<fn() -> $crate::__private::Value> = None;
                $(schema = Some($schema);)?
                $crate::__private::manifest_json(
                    env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), $description, stages, schema,
                )
            }

            extern "C" fn __open(
                stage: __std_types::RStr<'_>,
                config: __std_types::RStr<'_>,
                host: $crate::__private::HostBox,
            ) -> __std_types::RResult<$crate::__private::StageBox, __std_types::RVec<u8>> {
                $crate::__private::open_stage(stage, config, host, |stage, config, _host| match stage {
                    $($crate::manifest::Stage::PythonParser =>
                        Ok($crate::__private::Served::python_parser($crate::__private::make(config, $python_parser)?)),)?
                    $($crate::manifest::Stage::NotebookParser =>
                        Ok($crate::__private::Served::notebook_parser($crate::__private::make(config, $notebook_parser)?)),)?
                    $($crate::manifest::Stage::StubWriter =>
                        Ok($crate::__private::Served::stub_writer($crate::__private::make(config, $stub_writer)?)),)?
                    $($crate::manifest::Stage::ExecutionBackend =>
                        Ok($crate::__private::Served::execution_backend(
                            $crate::__private::make(config, $execution_backend)?, _host)),)?
                    #[allow(unreachable_patterns)]
                    other => Err($crate::__private::no_such_stage(other)),
                })
            }

            fn __root() -> $crate::__private::PluginRootRef {
                $crate::__private::PluginRoot { manifest: __manifest, open: __open }.leak_into_prefix()
            }

            extern "C" fn __erased_root() -> __library::RootModuleResult {
                __library::__call_root_module_loader(__root)
            }

            /// What abi_stable's `export_root_module` writes, without its need for abi_stable in the plugin's own manifest.
            #[export_name = $crate::root_symbol!()]
            pub static __ROOT: __library::LibHeader = unsafe {
                __library::LibHeader::from_constructor::<$crate::__private::PluginRootRef>(
                    __erased_root, __library::CheckTypeLayout::Yes,
                )
            };
        }
    };
}

/// Calls a constructor; its type is inferred here. Used by the macro only.
#[doc(hidden)]
pub fn make<T>(
    config: &Value,
    new: impl FnOnce(&Value) -> Result<T, PluginError>,
) -> Result<T, PluginError> {
    new(config)
}

/// The version of the interface as a literal, for `concat!`. A test checks that it equals
/// [`INTERFACE_VERSION`].
#[doc(hidden)]
#[macro_export]
macro_rules! interface_version {
    () => {
        "1.2.0"
    };
}

/// The symbol of the root module as a literal, for `export_name`. A test compares it with abi_stable's.
#[doc(hidden)]
#[macro_export]
macro_rules! root_symbol {
    () => {
        "_1as_0lib_1header_0root_bmodule_bloader"
    };
}

#[cfg(test)]
mod tests {
    /// Names of the plugin's that the expansion could be thought to use itself.
    mod an_author {
        use crate::{PluginError, PythonParser};

        mod library {
            pub(super) struct Parser;
        }

        impl PythonParser for library::Parser {
            fn parse(
                &self,
                _: &str,
                _: &str,
            ) -> Result<crate::payload::PythonAnalysis, crate::ParseError> {
                Err(PluginError::new("a", "b").into())
            }
        }

        fn open(_: &serde_json::Value) -> Result<library::Parser, PluginError> {
            Ok(library::Parser)
        }

        fn manifest() -> serde_json::Value {
            serde_json::Value::Null
        }

        crate::export_plugin! {
            description: "Names like those of the expansion",
            config_schema: manifest,
            python_parser: open,
        }
    }

    /// A stage whose drop panics.
    struct Clings;

    impl Drop for Clings {
        fn drop(&mut self) {
            panic!("no");
        }
    }

    impl crate::wire::Serve for Clings {
        fn serve(&self, _: &str, _: &[u8], _: &[u8]) -> Result<Vec<u8>, crate::wire::WireError> {
            Ok(Vec::new())
        }
    }

    #[test]
    fn a_panic_when_a_stage_is_dropped_goes_no_further() {
        drop(super::Exported(Some(Box::new(Clings))));
    }

    #[test]
    fn the_literal_is_the_version_of_the_package() {
        assert_eq!(
            crate::interface_version!(),
            crate::manifest::INTERFACE_VERSION
        );
    }

    #[test]
    fn the_exported_name_is_the_one_that_abi_stable_looks_for() {
        assert_eq!(
            crate::root_symbol!(),
            abi_stable::library::ROOT_MODULE_LOADER_NAME
        );
    }
}
