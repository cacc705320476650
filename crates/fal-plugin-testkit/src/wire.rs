//! Cases on the bytes of messages, for all stages. In Rust, the export macro makes them pass.

use fal_plugin::wire::{Transport, WireError};
use serde::de::DeserializeOwned;

use crate::case::{Case, Finding, PANIC_FIX, UNREADABLE_FIX, Verdict, ensure, quoted};

pub(crate) const UNREADABLE_REQUEST_FIX: &str =
    "answer {\"kind\": \"plugin\", \"error\": {\"code\": ..., \"message\": ...}}";

pub(crate) const fn unknown_method<S: ?Sized>(name: &'static str) -> Case<S> {
    Case::wire(
        name,
        "A method of a newer interface is refused as unknown",
        "answer the error {\"kind\": \"unknown_method\", \"method\": NAME}: a newer host then does without it",
        refuses_unknown_method,
    )
}

pub(crate) const fn unknown_fields<S: ?Sized>(
    name: &'static str,
    check: fn(&dyn Transport) -> Verdict,
) -> Case<S> {
    Case::wire(
        name,
        "Fields of a newer interface in a request are ignored",
        "do not refuse unknown fields (in Rust: no `deny_unknown_fields`): a minor version adds fields",
        check,
    )
}

pub(crate) const fn unreadable_request<S: ?Sized>(
    name: &'static str,
    check: fn(&dyn Transport) -> Verdict,
) -> Case<S> {
    Case::wire(
        name,
        "A request that is no JSON is an error with a code and a message",
        UNREADABLE_REQUEST_FIX,
        check,
    )
}

fn refuses_unknown_method(transport: &dyn Transport) -> Verdict {
    match refused(transport, "no_such_method", b"{}", b"")? {
        WireError::UnknownMethod { method } if method == "no_such_method" => Ok(()),
        other => Err(Finding::flaw(format!(
            "`no_such_method` was answered with {other:?}"
        ))),
    }
}

/// Calls a method with a request that is not JSON.
pub(crate) fn refuses_no_json(transport: &dyn Transport, method: &str) -> Verdict {
    plain_error(method, refused(transport, method, b"{\"path\": ", b"")?)
}

/// Calls a method that must answer with an `A`.
pub(crate) fn answered<A: DeserializeOwned>(
    transport: &dyn Transport,
    method: &str,
    request: &[u8],
    attachment: &[u8],
) -> Result<A, Finding> {
    match transport.call(method, request, attachment) {
        Ok(answer) => read(method, &answer),
        Err(error) => {
            let error = not_a_panic(method, read(method, &error)?)?;
            Err(Finding::flaw(format!(
                "`{method}` with {} gave {error:?}",
                quoted(&String::from_utf8_lossy(request))
            )))
        }
    }
}

/// Checks that the plugin returned the error on purpose.
pub(crate) fn plain_error(method: &str, error: WireError) -> Verdict {
    match error {
        WireError::Plugin { error } if !error.code.is_empty() && !error.message.is_empty() => {
            Ok(())
        }
        other => Err(Finding::flaw(format!("`{method}` answered {other:?}"))),
    }
}

/// Calls a method that must return an error.
pub(crate) fn refused(
    transport: &dyn Transport,
    method: &str,
    request: &[u8],
    attachment: &[u8],
) -> Result<WireError, Finding> {
    match transport.call(method, request, attachment) {
        Err(error) => not_a_panic(method, read(method, &error)?),
        Ok(answer) => {
            let answer = String::from_utf8_lossy(&answer).into_owned();
            Err(Finding::flaw(format!(
                "`{method}` answered {}",
                quoted(&answer)
            )))
        }
    }
}

fn not_a_panic(method: &str, error: WireError) -> Result<WireError, Finding> {
    match error {
        WireError::Panic { message } => Err(Finding::Flaw {
            reason: format!("it panicked in `{method}`: {message}"),
            fix: Some(PANIC_FIX.to_owned()),
        }),
        other => Ok(other),
    }
}

fn read<A: DeserializeOwned>(method: &str, answer: &[u8]) -> Result<A, Finding> {
    serde_json::from_slice(answer).map_err(|cause| {
        let text = quoted(&String::from_utf8_lossy(answer));
        let reason = format!("`{method}` answered something unreadable: {cause} in {text}");
        Finding::Flaw {
            reason,
            fix: Some(UNREADABLE_FIX.to_owned()),
        }
    })
}

/// Checks a name that a stage returns.
pub(crate) fn plain_name(what: &str, name: &str) -> Verdict {
    let plain = |char: char| char.is_alphanumeric() || matches!(char, '_' | '-' | '.');
    let dots = name.starts_with('.');
    ensure!(
        !name.is_empty() && name.chars().all(plain) && !dots,
        "{what} is {}",
        quoted(name)
    );
    Ok(())
}
