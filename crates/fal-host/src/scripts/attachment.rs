//! One script or hook of a model, or a global script.

use std::collections::HashSet;

use fal_plugin::payload::ScriptRole;
use fal_project::{ScriptEntry, ScriptOwner};
use fal_report::NodeInfo;

/// A script or hook of a model, or a global script.
#[derive(Clone, Debug)]
pub(crate) struct Attachment {
    /// `script.orders.AFTER.tell.py`, `hook.orders.PRE.check.py`, `script.GLOBAL.AFTER.done.py`.
    pub(crate) id: String,
    pub(crate) role: ScriptRole,
    /// Unique id of its model; `None` for a global script.
    pub(crate) model: Option<String>,
    pub(crate) owner: ScriptOwner,
    pub(crate) entry: ScriptEntry,
    /// Its file, below the project.
    pub(crate) file: String,
    /// Name of the environment that it asks for or inherits.
    pub(crate) environment: Option<String>,
}

impl Attachment {
    /// Returns it as reports name it.
    pub(crate) fn info(&self) -> NodeInfo {
        NodeInfo::script(&self.id, &self.file, self.role, self.owner.name.as_deref())
    }
}

/// Makes ids, each once.
#[derive(Default)]
pub(super) struct Ids(HashSet<String>);

impl Ids {
    /// Makes the id of a script of a model (`GLOBAL` for none) on a side (`BEFORE`, `PRE`, ...). A second
    /// script with the same file name gets its path as written instead.
    pub(super) fn give(
        &mut self,
        kind: &str,
        model: &str,
        side: &str,
        entry: &ScriptEntry,
    ) -> String {
        let names = [entry.file_name(), &entry.path]
            .into_iter()
            .map(str::to_owned);
        let more = (2..).map(|number| format!("{}#{number}", entry.path));
        let ids = names
            .chain(more)
            .map(|name| format!("{kind}.{model}.{side}.{name}"));
        let mut new = ids.filter(|id| self.0.insert(id.clone()));
        // The iterator is infinite.
        new.next().unwrap_or_default()
    }
}

/// Returns the words for a role in ids. `side` matters for global scripts only.
pub(super) fn words(role: ScriptRole, side: ScriptRole) -> (&'static str, &'static str) {
    match (role, side) {
        (ScriptRole::Before, _) | (ScriptRole::Global, ScriptRole::Before) => ("script", "BEFORE"),
        (ScriptRole::After | ScriptRole::Global, _) => ("script", "AFTER"),
        (ScriptRole::PreHook, _) => ("hook", "PRE"),
        (ScriptRole::PostHook, _) => ("hook", "POST"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_given_once() {
        let mut ids = Ids::default();
        let mut give = |path: &str| {
            let entry = ScriptEntry {
                path: path.to_owned(),
                ..ScriptEntry::default()
            };
            ids.give("script", "orders", "AFTER", &entry)
        };
        assert_eq!(give("a/tell.py"), "script.orders.AFTER.tell.py");
        assert_eq!(give("b/tell.py"), "script.orders.AFTER.b/tell.py");
        assert_eq!(give("b/tell.py"), "script.orders.AFTER.b/tell.py#2");
        assert_eq!(give("tell.py"), "script.orders.AFTER.tell.py#2");
    }
}
