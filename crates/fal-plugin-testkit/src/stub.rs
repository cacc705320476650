//! The contract of a stub writer.

use fal_plugin::{
    StubWriter,
    payload::{
        Dependency, DependencyKind, DependencyOrigin, Span, Stub, StubRequest, StubVerdict,
        StubVerdictRequest,
    },
    wire::Transport,
};

use crate::{
    case::{Case, Finding, Verdict, ensure, quoted, same_from_threads, unintended},
    wire,
};

/// All cases.
pub(crate) const CASES: &[Case<dyn StubWriter>] = &[
    Case::required(
        "stub-writer/folder",
        "The folder of stubs is one plain name",
        "name one folder below the model path, without separators and not hidden: dbt leaves hidden folders out",
        |writer| wire::plain_name("the folder", &writer.folder()),
    ),
    Case::required(
        "stub-writer/below-folder",
        "Stubs are `.sql` files below that folder, named after their model",
        "give `FOLDER/...MODEL.sql`, with `/`: dbt names a model after its file",
        below_folder,
    ),
    Case::required(
        "stub-writer/own-file",
        "Two models of one name in different folders have two stubs",
        "let the stub's path hold the folders of the model's path",
        own_file,
    ),
    Case::required(
        "stub-writer/no-escape",
        "A model path that leaves its folder is an error, or its stub stays below the folder",
        "refuse paths with `..`, absolute ones and those with a drive",
        no_escape,
    ),
    Case::required(
        "stub-writer/dependencies",
        "The stub names every dependency in Jinja, also of a model with many",
        "write `{{ TEXT }}` for each dependency, in order: that is how dbt knows of it",
        dependencies,
    ),
    Case::required(
        "stub-writer/own-stub",
        "A stub just rendered is judged `ours`",
        "let `judge` know all that `render` writes; else the second run takes the stub for a user's file and stops",
        own_stub,
    ),
    Case::required(
        "stub-writer/edited",
        "A stub that was edited by hand is not judged `ours`",
        "guard the whole content, for example with a checksum in it: what is `ours` is overwritten without asking",
        edited,
    ),
    Case::required(
        "stub-writer/foreign",
        "A file of the user is judged `foreign`",
        "answer `foreign` where your mark is missing; `ours` would let the host overwrite the user's work",
        foreign,
    ),
    Case::required(
        "stub-writer/deterministic",
        "The same model gives the same stub, from eight threads too",
        "leave clocks, random values and shared state out of a stub: it is committed with the project",
        deterministic,
    ),
    Case::optional(
        "stub-writer/line-ends",
        "A stub that git checked out with Windows line ends is still `ours`",
        "take `\\r\\n` for `\\n` before you judge",
        line_ends,
    ),
    Case::optional(
        "stub-writer/ephemeral",
        "The stub is an ephemeral model",
        "configure `materialized='ephemeral'`; else plain `dbt run` makes a relation of the stub",
        ephemeral,
    ),
    Case::optional(
        "stub-writer/byte-for-byte",
        "Stubs are those of legacy fal, byte for byte",
        "see the vectors in the test kit's folder `vectors`; a project that committed its stubs then sees no difference",
        byte_for_byte,
    ),
    wire::unknown_method("stub-writer/unknown-method"),
    wire::unknown_fields("stub-writer/unknown-fields", unknown_fields),
    wire::unreadable_request("stub-writer/unreadable-request", |transport| {
        wire::refuses_no_json(transport, "render")
    }),
];

fn dependency(text: &str) -> Dependency {
    let kind = if text.starts_with("ref") {
        DependencyKind::Ref
    } else {
        DependencyKind::Source
    };
    let args = text
        .split('\'')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    let (origin, span) = (DependencyOrigin::Code, Span::default());
    Dependency {
        kind,
        text: text.to_owned(),
        args,
        version: None,
        origin,
        span,
    }
}

fn request(path: &str, dependencies: &[&str]) -> StubRequest {
    let file = path.rsplit('/').next().unwrap_or(path);
    let model = file.split('.').next().unwrap_or(file).to_owned();
    StubRequest {
        model,
        path: path.to_owned(),
        dependencies: dependencies.iter().map(|text| dependency(text)).collect(),
    }
}

fn judged(writer: &dyn StubWriter, path: &str, content: &str) -> Result<StubVerdict, Finding> {
    Ok(writer.judge(&StubVerdictRequest {
        path: path.to_owned(),
        content: content.to_owned(),
    })?)
}

fn usual(writer: &dyn StubWriter) -> Result<Stub, Finding> {
    Ok(writer.render(&request(
        "marts/orders.py",
        &["ref('a')", "source('raw', 'orders')"],
    ))?)
}

fn is_below(writer: &dyn StubWriter, path: &str) -> bool {
    let rest = path.strip_prefix(&format!("{}/", writer.folder()));
    rest.is_some_and(|rest| {
        !rest.contains(['\\', ':', '\0'])
            && rest.split('/').all(|part| !matches!(part, "" | "." | ".."))
    })
}

fn below_folder(writer: &dyn StubWriter) -> Verdict {
    for (path, file) in [
        ("a.py", "a.sql"),
        ("marts/b.py", "b.sql"),
        ("x/y/größe.ipynb", "größe.sql"),
    ] {
        let stub = writer.render(&request(path, &[]))?;
        ensure!(
            is_below(writer, &stub.path),
            "the stub of `{path}` is {}, not below `{}/`",
            quoted(&stub.path),
            writer.folder()
        );
        ensure!(
            stub.path.ends_with(&format!("/{file}")),
            "the stub of `{path}` is {}, not a `{file}`",
            quoted(&stub.path)
        );
    }
    Ok(())
}

fn own_file(writer: &dyn StubWriter) -> Verdict {
    let [one, other] =
        ["staging/a.py", "marts/a.py"].map(|path| writer.render(&request(path, &[])));
    let (one, other) = (one?, other?);
    ensure!(
        one.path != other.path,
        "`staging/a.py` and `marts/a.py` share the stub {}",
        quoted(&one.path)
    );
    Ok(())
}

fn no_escape(writer: &dyn StubWriter) -> Verdict {
    for path in ["../a.py", "a/../../b.py", "/etc/a.py", "..", ""] {
        match writer.render(&request(path, &[])) {
            Ok(stub) => ensure!(
                is_below(writer, &stub.path),
                "the stub of `{path}` is {}",
                quoted(&stub.path)
            ),
            Err(error) if unintended(&error) => return Err(error.into()),
            Err(_) => {}
        }
    }
    Ok(())
}

fn dependencies(writer: &dyn StubWriter) -> Verdict {
    let many: Vec<String> = (0..300)
        .map(|number| format!("ref('model_{number}')"))
        .collect();
    let mut texts: Vec<&str> = many.iter().map(String::as_str).collect();
    texts.push("source('raw', 'größe')");
    let content = writer.render(&request("wide.py", &texts))?.content;
    let mut rest = content.as_str();
    for text in texts {
        let found = rest.split_once(&format!("{{{{ {text} }}}}"));
        let Some((_, behind)) = found else {
            return Err(Finding::flaw(format!(
                "`{{{{ {text} }}}}` is not in the stub, or not in its place"
            )));
        };
        rest = behind;
    }
    Ok(())
}

fn own_stub(writer: &dyn StubWriter) -> Verdict {
    for dependencies in [
        &["ref('a')", "source('raw', 'orders')"][..],
        &[],
        &["ref('größe')"],
    ] {
        let stub = writer.render(&request("marts/orders.py", dependencies))?;
        let verdict = judged(writer, &stub.path, &stub.content)?;
        ensure!(
            verdict == StubVerdict::Ours,
            "the stub with {dependencies:?} is judged {verdict:?}"
        );
    }
    Ok(())
}

fn edited(writer: &dyn StubWriter) -> Verdict {
    let stub = usual(writer)?;
    let first = stub.content.replacen("ref('a')", "ref('b')", 1);
    for content in [
        first,
        format!("{}\nselect 1", stub.content),
        format!("-- mine\n{}", stub.content),
    ] {
        if content != stub.content {
            let verdict = judged(writer, &stub.path, &content)?;
            ensure!(
                verdict != StubVerdict::Ours,
                "{} is judged {verdict:?}",
                quoted(&content)
            );
        }
    }
    Ok(())
}

fn foreign(writer: &dyn StubWriter) -> Verdict {
    for content in [
        "",
        "select 1\n",
        "{{ config(materialized='ephemeral') }}\nselect * from {{ ref('a') }}\n",
        "\u{feff}-- größe",
    ] {
        let verdict = judged(writer, &format!("{}/a.sql", writer.folder()), content)?;
        ensure!(
            verdict == StubVerdict::Foreign,
            "{} is judged {verdict:?}",
            quoted(content)
        );
    }
    Ok(())
}

fn deterministic(writer: &dyn StubWriter) -> Verdict {
    same_from_threads(|_| usual(writer))
}

fn line_ends(writer: &dyn StubWriter) -> Verdict {
    let stub = usual(writer)?;
    let verdict = judged(writer, &stub.path, &stub.content.replace('\n', "\r\n"))?;
    ensure!(verdict == StubVerdict::Ours, "it is judged {verdict:?}");
    Ok(())
}

fn ephemeral(writer: &dyn StubWriter) -> Verdict {
    let content = usual(writer)?.content;
    ensure!(
        content.contains("ephemeral"),
        "the stub is {}",
        quoted(&content)
    );
    Ok(())
}

/// Stubs of legacy fal; each names its dependencies.
const VECTORS: [&str; 4] = [
    include_str!("../vectors/04_source.sql"),
    include_str!("../vectors/08_docstring_double_quotes.sql"),
    include_str!("../vectors/12_nesting_order.sql"),
    include_str!("../vectors/15_duplicate_refs.sql"),
];

fn byte_for_byte(writer: &dyn StubWriter) -> Verdict {
    for vector in VECTORS {
        let calls = vector
            .lines()
            .filter_map(|line| line.strip_prefix("{{ ")?.strip_suffix(" }}"));
        let calls: Vec<_> = calls.filter(|call| !call.starts_with("config")).collect();
        let stub = writer.render(&request("sub/model.py", &calls))?;
        ensure!(
            stub.path == "fal/sub/model.sql",
            "its path is {}, not `fal/sub/model.sql`",
            quoted(&stub.path)
        );
        ensure!(
            stub.content == vector,
            "the stub is {}, not {}",
            quoted(&stub.content),
            quoted(vector)
        );
    }
    Ok(())
}

fn unknown_fields(transport: &dyn Transport) -> Verdict {
    let render = br#"{"model": "a", "path": "a.py", "dependencies": [], "of_a_newer_host": 1}"#;
    let _: Stub = wire::answered(transport, "render", render, b"")?;
    let judge = br#"{"path": "x/a.sql", "content": "select 1", "of_a_newer_host": null}"#;
    let _: StubVerdict = wire::answered(transport, "judge", judge, b"")?;
    Ok(())
}
