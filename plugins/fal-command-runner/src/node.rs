//! Runs one node: plans it, attempts it and returns its outcome.

use std::time::Instant;

use fal_plugin::{
    payload::{Lease, NodeRequest},
    PluginError,
};

use crate::{
    attempt::{attempt, Attempt, Refused},
    end::{seconds, End},
    error,
    plan::Plan,
    retry,
    settings::Settings,
    shared::Shared,
    stop::Waited,
};

/// How a node ended.
pub(crate) enum Outcome {
    /// The command succeeded.
    Done,
    /// The node failed, with a message for the user.
    Failed(String),
}

/// Runs a node until it ends. `python` is the interpreter to use when the configuration names
/// none.
pub(crate) fn run(
    shared: &Shared,
    settings: &Settings,
    python: &str,
    request: &NodeRequest,
) -> Result<Outcome, PluginError> {
    let plan = match Plan::new(settings, request, lease(request)?, python) {
        Ok(plan) => plan,
        Err(why) => return Ok(Outcome::Failed(why)),
    };
    tell_unused(shared, &plan);
    let mut number = 1;
    loop {
        if shared.stop.is_raised() {
            return Ok(interrupted());
        }
        let attempt = match attempt(shared, &plan) {
            Ok(attempt) => attempt,
            Err(Refused::Node(why)) => return Ok(Outcome::Failed(why)),
            Err(Refused::Runner(error)) => return Err(error),
        };
        if let Some(outcome) = settled(shared, &plan, &attempt, number) {
            return Ok(outcome);
        }
        number += 1;
    }
}

fn lease(request: &NodeRequest) -> Result<&Lease, PluginError> {
    request.lease.as_deref().ok_or_else(|| {
        let node = &request.unique_id;
        let text =
            format!("the command runner got `{node}` without a lease: it owns no data, and runs Python models only");
        let help =
            "it is a runner: choose it with --runner, `routes` or `meta`, beside an execution backend that lends";
        PluginError::new(error::NO_LEASE, text).with_help(help)
    })
}

/// Returns the node's outcome after an attempt, or waits for the next attempt and returns `None`.
fn settled(shared: &Shared, plan: &Plan<'_>, attempt: &Attempt, number: u32) -> Option<Outcome> {
    match attempt.end {
        End::Exited(0) => return Some(Outcome::Done),
        End::Stopped => return Some(interrupted()),
        _ => {}
    }
    let (retries, message) = (&plan.settings.config.retries, &attempt.message);
    let Some(wait) = retry::wait(retries, number, attempt.end, fastrand::f64()) else {
        let tries = if number > 1 {
            format!("\nIt was attempt {number} of {}", retries.attempts)
        } else {
            String::new()
        };
        return Some(Outcome::Failed(format!("{message}{tries}")));
    };
    let text = format!(
        "attempt {number} of {}: {message}\nTried again in {}",
        retries.attempts,
        seconds(wait)
    );
    shared.warn(&plan.request.unique_id, &text);
    let waited = shared.stop.wait(Some(Instant::now() + wait), || false);
    (waited == Waited::Stopped).then(interrupted)
}

fn interrupted() -> Outcome {
    Outcome::Failed("interrupted".to_owned())
}

/// Warns of resource keys that no placeholder uses: most are misspelt.
fn tell_unused(shared: &Shared, plan: &Plan<'_>) {
    for key in plan.unused() {
        let text = format!(
            "`resources: {{{key}: ...}}` does nothing here: no placeholder `{{custom.{key}}}` is in the runner's configuration"
        );
        shared.warn_once(&plan.request.unique_id, key, &text);
    }
}
