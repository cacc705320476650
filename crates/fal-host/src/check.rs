//! Everything that can be known to be wrong with a project without running anything, not even dbt.

use fal_project::{
    FileDiagnostic, Generated, all_problems, refused_names, script_problems, unknown_references,
};

use crate::{lineage, project::Project, runners::runner_problems};

/// All problems, by path.
pub fn problems(project: &Project, generated: &Generated) -> Vec<FileDiagnostic> {
    let mut problems = runner_problems(project, generated);
    problems.extend(all_problems(&generated.wrong, &generated.warnings));
    problems.extend(script_problems(
        &project.dbt,
        &generated.schemas,
        project.keyword(),
    ));
    problems.extend(refused_names(&project.dbt, generated));
    problems.extend(unknown_references(&project.dbt, generated));
    problems.extend(lineage::cycles(&project.dbt, generated));
    problems
}
