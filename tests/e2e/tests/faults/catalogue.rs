//! All pairs of a fault and a moment, and a random choice of them.

use super::case::{Case, Role, Way};

/// Methods of each role, and how often those that are not called once are called at least.
const MOMENTS: &[(Role, &str)] = &[
    (Role::Stage("python-parser"), "hello opens parse*2 dropped"),
    (
        Role::Stage("notebook-parser"),
        "hello opens extensions parse dropped",
    ),
    (
        Role::Stage("stub-writer"),
        "hello opens folder render*3 judge dropped goodbye",
    ),
    (
        Role::Stage("execution-backend"),
        "hello opens capabilities open load select begin run_node*3 record cancel close drop dropped goodbye",
    ),
    (Role::Owner, "lend*2 settle*2"),
    (
        Role::Runner,
        "hello opens capabilities open load begin run_node*3 cancel close drop dropped",
    ),
];

/// Faults for a library in the host's process. Faults that end a process or corrupt memory would
/// end the host too;
/// isolation exists for these.
const OF_LIBRARIES: &str = "panics; panics without words; hangs; spins; is slow; prints; complains; leaks threads; \
    refuses; refuses without words; answers nonsense; answers in another shape; answers \
    nothing; answers null; answers half; answers too much; answers about another node; answers \
    outside; answers with the user's file; errs nonsensically; errs without a word; tells \
    nonsense; tells much; tells for ever; tells of another node; tells of another session";
/// Further faults for a library in an isolated process.
const OF_ISOLATED: &str =
    "aborts; exits with 0; exits with 3; crashes; overflows the stack; leaves a child";
const OF_PROGRAMS: &str = "panics; hangs; spins; is slow; complains; complains much; leaks threads; refuses; refuses \
    without words; aborts; crashes; exits with 0; exits with 3; leaves a child; babbles; \
    babbles a little; begins a frame and ends; begins a frame and hangs; announces too much; \
    announces a huge attachment; closes its output; closes everything; is deaf; answers a call \
    that was never made; answers nonsense; answers nothing; answers half; answers in no \
    encoding; answers too much; answers in another shape; answers null; answers both; answers \
    neither; answers about another node; answers outside; answers with the user's file; \
    answers twice; never answers; errs nonsensically; errs without a word; tells nonsense; \
    tells much; tells for ever; tells of another node";
const OF_MANIFESTS: &str = "has no stage; has unknown stages; has a bad schema";
const OF_LIBRARY_MANIFESTS: &str = "calls itself another";
const OF_PROGRAM_MANIFESTS: &str = "has no name; is too new; is of no version";

/// Some of all pairs, each at most once.
pub(crate) fn random(seed: u64, count: usize) -> Vec<Case> {
    let mut all = all();
    let mut random = Random(seed);
    for at in 0..all.len() {
        let other = at + random.below(all.len() - at);
        all.swap(at, other);
    }
    all.truncate(count);
    all
}

/// All pairs.
fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for way in [Way::Library, Way::Isolated, Way::Program] {
        for (role, moments) in MOMENTS {
            for moment in moments.split(' ') {
                let (method, most) = moment.split_once('*').unwrap_or((moment, "1"));
                for count in 1..=most.parse().unwrap() {
                    for fault in faults(way, method) {
                        let case = Case {
                            way,
                            role: *role,
                            method,
                            count,
                            fault,
                            interrupted: false,
                        };
                        cases.extend(moments_of(case));
                    }
                }
            }
        }
    }
    cases
}

/// A case alone, and with Ctrl-C where that makes a difference; `cancel` is called only then.
fn moments_of(case: Case) -> Vec<Case> {
    let interrupted = Case {
        interrupted: true,
        ..case.clone()
    };
    match case.method {
        "cancel" => vec![interrupted],
        // The program ends while it is waited for.
        "goodbye" | "dropped" => vec![case],
        "close" | "drop" if case.role != Role::Runner => vec![case, interrupted],
        _ if case.hangs() => vec![case, interrupted],
        _ => vec![case],
    }
}

fn faults(way: Way, method: &str) -> Vec<&'static str> {
    let common: &[&'static str] = match way {
        Way::Library => &[OF_LIBRARIES],
        Way::Isolated => &[OF_LIBRARIES, OF_ISOLATED],
        Way::Program => &[OF_PROGRAMS],
    };
    let more: &[&'static str] = match (method, way) {
        ("hello", Way::Program) => &[OF_MANIFESTS, OF_PROGRAM_MANIFESTS],
        ("hello", _) => &[OF_MANIFESTS, OF_LIBRARY_MANIFESTS],
        _ => &[],
    };
    let lists = common.iter().chain(more);
    let all = lists.flat_map(|list| list.split("; "));
    all.filter(|fault| is_possible(fault, way, method))
        .collect()
}

/// Whether a plugin can do this at that moment, and still be one.
fn is_possible(fault: &str, way: Way, method: &str) -> bool {
    let spoils =
        fault.starts_with("answers") || fault.starts_with("errs") || fault.starts_with("refuses");
    let tells = fault.starts_with("tells");
    match fault {
        "answers outside" => return ["folder", "render"].contains(&method),
        "answers with the user's file" => return method == "render",
        _ => {}
    }
    match (method, way) {
        // The macro writes the manifest, so there is no guard around it.
        ("hello", Way::Library | Way::Isolated) => {
            !fault.starts_with("panics")
                && !fault.starts_with("errs")
                && !fault.starts_with("refuses")
                && !tells
                && ![
                    "answers half",
                    "answers too much",
                    "answers about another node",
                ]
                .contains(&fault)
        }
        ("hello", Way::Program) => !tells,
        ("opens", Way::Program) => !tells,
        ("opens", _) => !tells && !fault.starts_with("answers"),
        // A library gets no goodbye, and a process gets no message when a stage is dropped.
        ("goodbye", way) => way == Way::Program && !spoils && !tells && fault != "never answers",
        ("dropped", way) => way == Way::Library && !spoils && !tells,
        _ => true,
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).unwrap()
    }
}
