//! What the analysis finds beyond literal arguments, and what it does not resolve.

mod common;

use common::{agreed, dependencies};
use fal_plugin::payload::DependencyOrigin;

#[test]
fn names_bound_once_are_followed() {
    assert_eq!(dependencies("A = 'a'\nref(A)"), ["ref('a')"]);
    assert_eq!(dependencies("A: str = 'a' 'b'\nref(A)"), ["ref('ab')"]);
    assert_eq!(
        dependencies("S, T = 'raw', 'orders'\nsource(S, T)"),
        ["source('raw', 'orders')"]
    );
    assert_eq!(
        dependencies("P = 'stg_'\nN = P + 'a'\nref(N)\nref(f'{P}b')\nref(f'c')"),
        ["ref('stg_a')", "ref('stg_b')", "ref('c')"]
    );
    assert_eq!(dependencies("V = 2\nref('a', v=V)"), ["ref('a', v=2)"]);
    assert_eq!(
        dependencies("T = {'x': 'a', 'y': 'b'}\nref(T['y'])\nref(['p', 'q'][-1])"),
        ["ref('b')", "ref('q')"]
    );
    assert_eq!(
        dependencies("def f():\n    name = 'a'\n    return ref(name)"),
        ["ref('a')"]
    );
    assert_eq!(dependencies("ref(*['p', 'a'])"), ["ref('p', 'a')"]);
}

#[test]
fn names_that_may_change_are_not() {
    for text in [
        "A = 'a'\nA = 'b'\nref(A)",
        "A = 'a'\nA += 'b'\nref(A)",
        "for A in x:\n    ref(A)",
        "A = 'a'\ndef f(A):\n    ref(A)",
        "A = 'a'\ndef f():\n    global A\n    A = 'b'\nref(A)",
        "A = B\nB = A\nref(A)",
        "L = ['a']\nL.append('b')\nfor x in L:\n    ref(x)",
        "D = {'a': 'b'}\nD['a'] = 'c'\nref(D['a'])",
        "import A\nref(A)",
        "ref(f'{x}')",
        "ref(f'{1!r}')",
        "ref('a', **kw)",
        "fn = ref\nfn('a')",
    ] {
        let analysis = agreed(text);
        assert!(
            analysis.dependencies.is_empty(),
            "{text}: {:?}",
            analysis.dependencies
        );
        assert_eq!(analysis.unresolved.len(), 1, "{text}");
    }
}

#[test]
fn loops_over_literals_are_unrolled() {
    assert_eq!(
        dependencies("for x in ['a', 'b']:\n    ref(x)"),
        ["ref('a')", "ref('b')"]
    );
    assert_eq!(
        dependencies("L = ('a', 'b')\nd = {x: ref(x) for x in L}"),
        ["ref('a')", "ref('b')"]
    );
    assert_eq!(
        dependencies("for s, t in [('raw', 'a'), ('raw', 'b')]:\n    source(s, t)"),
        ["source('raw', 'a')", "source('raw', 'b')"]
    );
    assert_eq!(
        dependencies("for p in ['a', 'b']:\n    for q in ['x', 'y']:\n        ref(f'{p}_{q}')"),
        ["ref('a_x')", "ref('a_y')", "ref('b_x')", "ref('b_y')"]
    );
    assert_eq!(
        dependencies("[ref(x) for g in [['a'], ['b']] for x in g]"),
        ["ref('a')", "ref('b')"]
    );
    assert_eq!(
        dependencies("for x in ['a']:\n    n = x + '_1'\n    ref(n)"),
        ["ref('a_1')"]
    );
    assert_eq!(
        dependencies("for i, x in enumerate(['a', 'b']):\n    ref(x)"),
        ["ref('a')", "ref('b')"]
    );
    assert_eq!(
        dependencies("for k, v in {'x': 'a'}.items():\n    ref(v)"),
        ["ref('a')"]
    );
    assert_eq!(
        dependencies("for x in ['a']:\n    ref(x)\nfor x in ['b']:\n    ref(x)"),
        ["ref('a')", "ref('b')"]
    );
    assert_eq!(
        dependencies("list(map(ref, ['a', 'b']))"),
        ["ref('a')", "ref('b')"]
    );
    assert_eq!(dependencies("for x in []:\n    ref(x)"), [""; 0]);
}

#[test]
fn a_loop_variable_that_is_bound_again_is_not_known() {
    assert_eq!(
        agreed("for x in ['a']:\n    x = g(x)\n    ref(x)")
            .unresolved
            .len(),
        1
    );
    assert_eq!(
        agreed("for x in ['a']:\n    pass\nref(x)").unresolved.len(),
        1
    );
}

#[test]
fn deeper_finds_follow_in_their_own_order_and_only_once() {
    let text = "A = 'x'\nsource(A, 't')\nref(A)\nref('z')\nsource('s', 't')\nref('x', v=1)\nref('q')\nB = 'z'\nref(B)";
    let found = agreed(text).dependencies;
    let texts: Vec<&str> = found.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "ref('z')",
            "ref('x', v=1)",
            "ref('q')",
            "source('s', 't')",
            "ref('x')",
            "source('x', 't')"
        ]
    );
    assert_eq!(found[1].version.as_deref(), Some("1"));
    assert_eq!(found[4].origin, DependencyOrigin::Binding);
}

#[test]
fn jinja_in_sql_is_read() {
    assert_eq!(
        dependencies(
            "execute_sql(\"\"\"select * from {{ source('s', \"t\") }} join {{ ref('a') }} {# {{ ref('b') }} #}\"\"\")"
        ),
        ["ref('a')", "source('s', 't')"]
    );
    assert_eq!(
        dependencies("Q = 'select * from ' \"{{ ref('a') }}\"\nexecute_sql(Q)"),
        ["ref('a')"]
    );
    assert_eq!(
        dependencies("execute_sql(sql=f\"select {n} from {{{{ ref('a') }}}}\")"),
        ["ref('a')"]
    );
    assert_eq!(
        dependencies(
            "for t in ('a', 'b'):\n    execute_sql(f\"select * from {{{{ ref('{t}') }}}}\")"
        ),
        ["ref('a')", "ref('b')"]
    );
    let analysis = agreed("execute_sql(f\"select * from {{{{ ref('{t}') }}}}\")");
    assert_eq!(analysis.unresolved.len(), 1);
    assert_eq!(
        agreed("execute_sql(q)")
            .diagnostics
            .iter()
            .filter(|it| it.code == "dependency::unresolved_sql")
            .count(),
        1
    );
}

#[test]
fn which_part_is_read_says_nothing_about_the_relation() {
    assert_eq!(
        dependencies("ref('a', columns=['x', 'y'], where='x > 1', limit=10, v=2)"),
        ["ref('a', v=2)"]
    );
    assert_eq!(
        dependencies("source('s', 't', columns=c, where=w, limit=n)"),
        ["source('s', 't')"]
    );
    assert_eq!(
        dependencies("N = 'a'\nfor w in g():\n    ref(N, where=w, limit=len(w))"),
        ["ref('a')"]
    );
    assert_eq!(
        dependencies("[ref(x, columns=[y]) for x, y in [('a', 'i'), ('b', 'i')]]"),
        ["ref('a')", "ref('b')"]
    );
    assert_eq!(
        dependencies("\"\"\"- ref('a', limit=2)\"\"\"\nref('a', limit=1)"),
        ["ref('a')"; 2]
    );
    assert!(agreed("ref('a', where=w)\nwrite_to_model(1)")
        .diagnostics
        .is_empty());
}

#[test]
fn jinja_in_a_condition_is_read() {
    let text =
        "ref('a', where=\"x in (select x from {{ ref('b') }}) and y > (select max(y) from {{ source('s', 't') }})\")";
    assert_eq!(
        dependencies(text),
        ["ref('a')", "ref('b')", "source('s', 't')"]
    );
    let text = "W = \"x in (select x from {{ ref('b') }})\"\nsource('s', 't', where=W)";
    assert_eq!(dependencies(text), ["source('s', 't')", "ref('b')"]);
    let text = "ref('a', where=f\"x > {n} and x in (select x from {{{{ ref('b') }}}})\")";
    assert_eq!(dependencies(text), ["ref('a')", "ref('b')"]);
    let text = "ref('a', where=f\"x in (select x from {{{{ ref('{t}') }}}})\")";
    assert_eq!(agreed(text).unresolved.len(), 1);
}

#[test]
fn places_are_exact() {
    let text = "\"\"\"é\r\n- ref('a')\r\n\"\"\"\r\nq = \"select {{ ref('b') }}\"\r\nexecute_sql(q)\r\nü = ref('c')";
    let analysis = agreed(text);
    let places: Vec<(&str, u32, u32)> = analysis
        .dependencies
        .iter()
        .map(|it| {
            (
                &text[it.span.start as usize..it.span.end as usize],
                it.span.from.line,
                it.span.from.column,
            )
        })
        .collect();
    assert_eq!(
        places,
        [("ref('a')", 2, 3), ("ref('c')", 6, 5), ("ref('b')", 4, 16)]
    );
}

#[test]
fn the_hosts_own_keyword_is_no_part_of_the_stub() {
    assert_eq!(
        dependencies(
            "ref('a', as_='polars')\nref('b', version=1, as_=how)\nsource('s', 't', as_='arrow')"
        ),
        ["ref('a')", "ref('b', version=1)", "source('s', 't')"]
    );
}

#[test]
fn names_of_the_file_are_not_ours() {
    for text in [
        "from lib import ref\nref('a')",
        "def ref(x): ...\nref('a')",
        "def model(dbt, session):\n    ref = dbt.ref\n    return ref('a')",
    ] {
        assert_eq!(dependencies(text), [""; 0], "{text}");
    }
    for text in [
        "from fal.typing import *\nfrom fal import ref\nref('a')",
        "try:\n    ref\nexcept NameError:\n    from lib import ref\nref('a')",
        "if TYPE_CHECKING:\n    from lib import ref\nref('a')",
        "def load(ref):\n    return ref('a')",
    ] {
        assert_eq!(dependencies(text), ["ref('a')"], "{text}");
    }
}

#[test]
fn calls_that_name_no_relation_are_told_and_left_out() {
    for text in [
        "ref()",
        "ref(1)",
        "ref('a', 'b', 'c')",
        "source('a')",
        "source(None, 'a')",
        "'''ref(name)'''\nref('b')",
    ] {
        let analysis = agreed(text);
        let warnings = analysis
            .diagnostics
            .iter()
            .filter(|it| it.code.starts_with("dependency::"))
            .count();
        assert_eq!(warnings, 1, "{text}");
        assert!(analysis.dependencies.len() <= 1, "{text}");
    }
}

#[test]
fn docstring_lines_hold_refs_before_sources() {
    let text = "'''\nsource('s', 't'), ref(\"b\"), ref('a', v=2)\n\tref('c')\n'''";
    assert_eq!(
        dependencies(text),
        [
            "ref(\"b\")",
            "ref('a', v=2)",
            "source('s', 't')",
            "ref('c')"
        ]
    );
    assert_eq!(dependencies("f'''ref('a')'''"), [""; 0]);
    assert_eq!(dependencies("b'''ref('a')'''"), [""; 0]);
    assert_eq!(dependencies("x = 1\n'''ref('a')'''"), [""; 0]);
}

#[test]
fn a_docstring_line_settles_the_warning() {
    let warned = |text: &str| {
        agreed(text)
            .diagnostics
            .iter()
            .any(|it| it.code == "dependency::unresolved")
    };
    assert!(warned("ref(name())"));
    assert!(warned("'''ref('a')'''\nref('a')\nref(name())"));
    assert!(!warned("'''ref('a')'''\nref(name())"));
    assert!(warned("'''ref('a')'''\nsource(name(), 't')"));
}

#[test]
fn imports_are_listed_once_and_in_order() {
    let text = "import a.b, c as d\nfrom .x import y\nfrom . import z\nfrom a.b import q\ndef f():\n    import late\n";
    let modules: Vec<String> = agreed(text)
        .imports
        .into_iter()
        .map(|it| it.module)
        .collect();
    assert_eq!(modules, ["a.b", "c", ".x", ".", "late"]);
}

#[test]
fn values_cannot_explode() {
    let mut text = String::from("A0 = 'xxxxxxxxxxxxxxxx'\n");
    (0..200).for_each(|n| text += &format!("A{} = A{n} + A{n}\n", n + 1));
    text += "ref(A200)\n";
    assert_eq!(agreed(&text).unresolved.len(), 1);
    let rows = "'a', ".repeat(3000);
    let text = format!("L = [{rows}]\nfor x in L:\n    for y in L:\n        ref(x + y)\n");
    assert_eq!(agreed(&text).unresolved.len(), 1);
}
