//! Lends nodes to runners.

use std::path::Path;

use fal_plugin::{
    payload::{Lease, LendRequest, Lent, NodeWork, PythonWork},
    PluginError,
};

use super::{
    builder::{LeaseBuilder, NotLent, OpenJob},
    native,
};
use crate::{
    engine::{JobClose, JobOpen, Owner},
    error::LEASE,
    node, result,
    run::Run,
};

/// Lends the node of a request, or returns its result if that fails.
pub(crate) fn lend(run: &Run, request: &LendRequest) -> Result<Lent, PluginError> {
    if run.cancel.is_set() {
        let result = result::interrupted(&request.unique_id);
        return Ok(Lent::Ended {
            result: Box::new(result),
        });
    }
    let outcome = match &request.work {
        NodeWork::Python(work) => python(run, request, work),
        NodeWork::Dbt => native::lend(run, request),
        NodeWork::Script(_) | NodeWork::UnitTest(_) => {
            let message = format!("only models can run on the runner `{}`", request.runner);
            Err(PluginError::new(LEASE, message).into())
        }
    };
    match outcome {
        Ok(lease) => Ok(Lent::Lease {
            lease: Box::new(lease),
        }),
        Err(NotLent::Ended(result)) => Ok(Lent::Ended { result }),
        Err(NotLent::Asked(error)) => {
            let result = run.failed(&request.unique_id, error)?;
            // The engine learns of this result only here.
            let _ = run.engine().record(&result);
            Ok(Lent::Ended {
                result: Box::new(result),
            })
        }
    }
}

fn python(run: &Run, request: &LendRequest, work: &PythonWork) -> Result<Lease, NotLent> {
    let unique_id = request.unique_id.as_str();
    let builder = LeaseBuilder::new(run, work.environment.as_deref())?;
    let (token, name) = (
        node::new_token().map_err(PluginError::from)?,
        node::new_token().map_err(PluginError::from)?,
    );
    let job = format!("l-{}", &name[..12]);
    let owner = Owner {
        unique_id,
        ..Owner::default()
    };
    run.engine().job_open(&JobOpen {
        job: &job,
        token: &token,
        owner,
    })?;
    let work = node::python_work(run, unique_id, work, "", Path::new("."));
    let closed = job.clone();
    let open = OpenJob {
        job,
        token,
        work,
        native: None,
    };
    builder.build(request, open).inspect_err(|_| {
        let result = result::failure(unique_id, "it could not be lent");
        // The caller reports the error; here the job only has to be closed.
        let _ = run.engine().job_close(&JobClose {
            job: &closed,
            ok: false,
            rows: None,
            result: &result,
        });
    })
}
