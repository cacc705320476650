//! OpenTelemetry traces and OpenLineage events of a run.
//!
//! Both are off unless environment variables say where to send them, and then cost nothing: no thread
//! and no connection. Where they are on, threads of their own send; a run never waits for them, but
//! for [`FLUSH`] at its end, and what cannot be sent is one warning.
//!
//! | module | role |
//! |---|---|
//! | `traces` | a reporter that makes spans of events, and the OpenTelemetry SDK that sends them |
//! | `lineage` | a reporter that makes run events of OpenLineage, and the thread that posts them |
//! | `http` | the HTTP client of both |
//! | `variables` | the environment |

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod http;
mod lineage;
mod traces;
mod variables;

use std::time::{Duration, Instant};

use fal_report::Reporters;

use self::{lineage::Lineage, traces::Traces, variables::Variables};

/// How long the end of a command waits at most until all is sent.
pub const FLUSH: Duration = Duration::from_secs(3);

/// What a command sends to other systems.
#[derive(Default)]
pub struct Telemetry {
    traces: Option<Traces>,
    lineage: Option<Lineage>,
    warnings: Vec<String>,
}

impl Telemetry {
    /// Reads the environment, and starts what it configures for a command of this name.
    pub fn from_environment(command: &str) -> Self {
        Self::from_variables(&Variables::of_process(), command)
    }

    fn from_variables(variables: &Variables, command: &str) -> Self {
        let mut warnings = Vec::new();
        let mut warn = |what: &str, problem: String| warnings.push(format!("{what}: {problem}"));
        let traces = Traces::start(variables, command).unwrap_or_else(|problem| {
            warn("OpenTelemetry gets no traces", problem);
            None
        });
        let lineage = Lineage::start(variables).unwrap_or_else(|problem| {
            warn("OpenLineage gets no events", problem);
            None
        });
        Self {
            traces,
            lineage,
            warnings,
        }
    }

    /// Adds what listens to the run.
    pub fn listen(&self, reporters: &Reporters) {
        if let Some(traces) = &self.traces {
            reporters.add(traces.reporter());
        }
        if let Some(lineage) = &self.lineage {
            reporters.add(lineage.reporter());
        }
    }

    /// Ends the run's span and job, with the error of a command that did not get to the end of its
    /// nodes, and sends the rest. Returns what the user should know.
    pub fn finish(self, error: Option<&str>) -> Vec<String> {
        let deadline = Instant::now() + FLUSH;
        let mut warnings = self.warnings;
        // Both send at the same time, while this thread waits for one after the other.
        if let Some(lineage) = &self.lineage {
            lineage.end(error);
        }
        let traces = self
            .traces
            .and_then(|traces| traces.finish(error, deadline));
        let lineage = self.lineage.and_then(|lineage| lineage.finish(deadline));
        warnings.extend(traces.into_iter().chain(lineage));
        warnings
    }
}
