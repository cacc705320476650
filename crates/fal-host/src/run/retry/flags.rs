//! The flags of the last command, from `args` of its `run_results.json`, for the one that tries again.

use fal_plugin::payload::OpenRequest;
use serde_json::{Map, Value};

/// Flags that are on or off, and the words that turn them on.
const SWITCHES: [(&str, &str); 5] = [
    ("store_failures", "--store-failures"),
    ("empty", "--empty"),
    ("defer", "--defer"),
    ("favor_state", "--favor-state"),
    ("export_saved_queries", "--export-saved-queries"),
];
/// Flags with a value.
const VALUED: [(&str, &str); 5] = [
    ("state", "--state"),
    ("defer_state", "--defer-state"),
    ("event_time_start", "--event-time-start"),
    ("event_time_end", "--event-time-end"),
    ("sample", "--sample"),
];

/// Flags that the host reads: run_results.json of the next run has them too.
const OF_HOST: [&str; 7] = [
    "select",
    "exclude",
    "selector",
    "indirect_selection",
    "fail_fast",
    "resource_types",
    "exclude_resource_types",
];

/// Takes over what this command line does not say itself. Paths of the project and of profiles stay
/// those of this command line, as with `dbt retry`.
pub(super) fn take_over(last: &Map<String, Value>, session: &mut OpenRequest) {
    let text = |name: &str| {
        let text = last.get(name).and_then(Value::as_str);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    session.target = session.target.take().or_else(|| text("target"));
    session.profile = session.profile.take().or_else(|| text("profile"));
    session.threads = session
        .threads
        .or_else(|| u32::try_from(last.get("threads")?.as_u64()?).ok());
    session.full_refresh |= is_on(last, "full_refresh");
    if let (true, Some(Value::Object(vars))) = (session.vars.is_empty(), last.get("vars")) {
        session.vars.clone_from(vars);
    }
    for name in OF_HOST {
        if let Some(value) = last.get(name).filter(|value| !value.is_null()) {
            let own = session.host_args.entry(name);
            own.or_insert_with(|| value.clone());
        }
    }
    let switches = SWITCHES
        .into_iter()
        .filter(|(name, _)| is_on(last, name))
        .map(|(_, word)| word.to_owned());
    let valued = VALUED
        .into_iter()
        .filter_map(|(name, word)| Some([word.to_owned(), text(name)?]));
    // First, so that words of this command line win.
    let words: Vec<String> = switches.chain(valued.flatten()).collect();
    session.dbt_args.splice(0..0, words);
}

/// Whether a flag was given.
pub(super) fn is_on(last: &Map<String, Value>, name: &str) -> bool {
    last.get(name).and_then(Value::as_bool).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn take(last: Value, mut session: OpenRequest) -> OpenRequest {
        take_over(last.as_object().unwrap(), &mut session);
        session
    }

    #[test]
    fn the_flags_of_the_last_command_come_back() {
        let last = json!({"which": "build", "target": "prod", "threads": 3, "vars": {"day": 1}, "full_refresh": true,
            "store_failures": true, "defer": false, "state": "old", "select": ["a"], "project_dir": "/elsewhere"});
        let args = take(last, OpenRequest::new("/here", "", ""));
        assert_eq!(
            (args.target.as_deref(), args.threads, args.full_refresh),
            (Some("prod"), Some(3), true)
        );
        assert_eq!(Value::Object(args.vars), json!({"day": 1}));
        assert_eq!(Value::Object(args.host_args), json!({"select": ["a"]}));
        assert_eq!(args.dbt_args, ["--store-failures", "--state", "old"]);
        assert_eq!(args.project_dir, "/here");
    }

    #[test]
    fn this_command_line_wins() {
        let given = OpenRequest {
            target: Some("dev".into()),
            threads: Some(1),
            vars: json!({"day": 2}).as_object().cloned().unwrap(),
            ..OpenRequest::new("", "", "")
        };
        let args = take(
            json!({"target": "prod", "threads": 3, "vars": {"day": 1, "n": 1}}),
            given,
        );
        assert_eq!(
            (args.target.as_deref(), args.threads, args.full_refresh),
            (Some("dev"), Some(1), false)
        );
        assert_eq!(Value::Object(args.vars), json!({"day": 2}));
    }
}
