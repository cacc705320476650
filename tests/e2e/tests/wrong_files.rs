//! One wrong file stops what would run it, and nothing else.

use fal_e2e::Project;

const TWICE: &str = "rows = ref('base')\nwrite_to_model(rows)\nwrite_to_model(rows)\n";

/// `base.sql`, `good.py` and `top.sql`, which reads a Python model; a seed with a test, scripts and hooks on `good`.
fn project() -> Project {
    let project = Project::bare();
    project.write("models/base.sql", "select 1 as id");
    project.write("models/good.py", "write_to_model(ref('base'))\n");
    project.write("seeds/raw.csv", "id\n1\n");
    project.write("tell.py", "print('saw', context.current_model.name)\n");
    project.write(
        "models/schema.yml",
        "models:\n- {name: good, meta: {fal: {scripts: [tell.py], post-hook: [tell.py]}}}\n\
         - {name: base, columns: [{name: id, data_tests: [not_null]}]}\n",
    );
    project
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_wrong_model_stops_only_the_commands_that_would_run_it() {
    let project = project();
    project
        .write("models/bad.py", "write_to_model(ref('base'))\n")
        .write("models/top.sql", "select * from {{ ref('bad') }}");
    project.run("run").expect(0);
    let stub = project.read("models/fal/bad.sql");
    project.write("models/bad.py", TWICE);

    for command in [&["build"][..], &["run", "--select", "+top"]] {
        let ended = project.run(command);
        ended
            .expect(2)
            .says("\u{d7} `write_to_model` is called twice")
            .says("[models/bad.py:3:1]");
    }
    for command in [
        &["run", "--exclude", "bad"][..],
        &["hooks", "--all"],
        &["hooks", "--select", "bad"],
        &["seed"],
        &["test"],
        &["ls"],
    ] {
        let ended = project.run(command);
        ended
            .expect(0)
            .says("\u{26a0} `write_to_model` is called twice")
            .says("[models/bad.py:3:1]");
    }
    assert_eq!(
        project.read("models/fal/bad.sql"),
        stub,
        "the stub of a wrong file stays as it is"
    );
    for command in ["check", "generate"] {
        project
            .run_host(&[command])
            .expect(2)
            .says("\u{d7} `write_to_model` is called twice");
    }
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_file_that_is_no_python_and_has_no_stub_is_found_by_its_name_and_folder() {
    let project = project();
    project.write("models/ml/broken.py", "write_to_model(ref('base')\n");
    for command in [
        &["run"][..],
        &["run", "-s", "broken"],
        &["run", "-s", "path:models/ml"],
    ] {
        project
            .run(command)
            .expect(2)
            .says("\u{d7} this is not valid Python")
            .says("models/ml/broken.py:1:");
    }
    project
        .run("run -s base good")
        .expect(0)
        .says("\u{26a0} this is not valid Python");
    assert!(
        !project.has("models/fal/ml/broken.sql"),
        "it has no stub, as nothing is known of it"
    );
    project.write("models/ml/broken.py", "write_to_model(ref('base'))\n");
    project
        .run("run -s broken")
        .expect(0)
        .never_says("not valid Python");
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn conflicts_of_stubs_stop_their_models_alone() {
    let project = project();
    project.write("models/edited.py", "write_to_model(ref('base'))\n");
    project.run_host("generate").expect(0);
    let edited = project
        .read("models/fal/edited.sql")
        .replace("ref('base')", "ref('other')");
    project.write(
        "models/fal/edited.sql",
        edited.replace("ref('other')", "ref('good')"),
    );
    let edited = project.read("models/fal/edited.sql");
    project
        .run("run --select edited")
        .expect(2)
        .says("\u{d7} models/fal/edited.sql")
        .says("edited by hand");
    project
        .run("run --select base good")
        .expect(0)
        .says("\u{26a0} models/fal/edited.sql");
    assert_eq!(project.read("models/fal/edited.sql"), edited);
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn wrong_scripts_stop_only_what_runs_them_and_unknown_keys_nothing() {
    let project = project();
    project.write("models/odd.sql", "select 2 as id");
    project.write("models/old.sql", "select 3 as id");
    project.write(
        "models/more.yml",
        "models:\n- name: odd\n  meta:\n    fal:\n      scripts:\n        bfore: [gone.py]\n\
         - name: old\n  meta:\n    fal:\n      enviroment: kmodes\n      runtime: x\n      scripts: [gone.py]\n",
    );
    project
        .run("run")
        .expect(2)
        .says("\u{d7} the model `odd`")
        .says("[models/more.yml:6:1]");
    project
        .run("hooks --select odd")
        .expect(2)
        .says("`scripts` has no key `bfore`");
    for command in [
        &["run", "--select", "base", "old"][..],
        &["ls"],
        &["hooks", "--select", "good"],
    ] {
        let ended = project.run(command);
        ended
            .expect(0)
            .says("\u{26a0} the model `odd`: `scripts` has no key `bfore`");
        ended
            .says("\u{26a0} the model `old`: `fal` has no key `enviroment`")
            .says("did you mean `environment`?");
        ended
            .says("[models/more.yml:10:1]")
            .says("`fal` has no key `runtime`")
            .says("[models/more.yml:11:1]");
    }
    project
        .run("run --exclude odd")
        .expect(2)
        .says("there is no file `gone.py`");
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_model_that_is_switched_off_is_left_out_with_its_mistakes() {
    let project = project();
    let config = project.read("dbt_project.yml");
    let name = config
        .lines()
        .find_map(|line| line.strip_prefix("name:"))
        .unwrap()
        .trim()
        .to_owned();
    project.write(
        "dbt_project.yml",
        format!("{config}\nmodels:\n  {name}:\n    fal:\n      wip: {{+enabled: false}}\n"),
    );
    project.write("models/wip/fine.py", "write_to_model(ref('base'))\n");
    project.write("models/wip/twice.py", TWICE);
    project.write("models/wip/broken.py", "write_to_model(ref('base')\n");
    project.write("models/by_file.py", "write_to_model(ref('base'))\n");
    project.write("models/jinja.py", "write_to_model(ref('base'))\n");
    project.write(
        "models/native.py",
        "def model(dbt, session):\n    return dbt.ref('base')\n",
    );
    project.write(
        "models/off.yml",
        "models:\n- {name: by_file, config: {enabled: false}}\n- {name: native, config: {enabled: false}}\n\
         - {name: jinja, config: {enabled: \"{{ target.name == 'nowhere' }}\"}}\n",
    );
    for command in ["check", "generate"] {
        project
            .run_host(&[command])
            .expect(0)
            .never_says("is called twice")
            .never_says("not valid Python");
    }
    project
        .run("run")
        .expect(0)
        .never_says("is called twice")
        .never_says("not valid Python");
    let listed = project.run("ls --output name --resource-type model");
    assert_eq!(listed.expect(0).stdout, "base\ngood\n");
    project
        .run("run --select by_file")
        .expect(0)
        .says("does not match any enabled nodes");
    project.write("models/jinja.py", TWICE);
    project.run("run").expect(0);
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_file_that_should_be_a_model_and_never_writes_says_so() {
    let project = project();
    let config = project.read("dbt_project.yml");
    project.write(
        "dbt_project.yml",
        format!("{config}\nvars: {{fal-models-paths: [ml]}}\n"),
    );
    project.write("models/silent.py", "print('something')\n");
    project.write("models/helper.py", "def help(): pass\n");
    project.write("models/silent.yml", "models:\n- name: silent\n");
    project
        .write("ml/quiet.py", "print('something')\n")
        .write("ml/util.py", "x = 1\n")
        .write("ml/__init__.py", "");
    project.write(
        "ml/user.py",
        "from util import x\nwrite_to_model(ref('base'))\n",
    );
    let ended = project.run("run");
    ended
        .expect(2)
        .says("models/silent.yml (line 2) names the model `silent`")
        .says("models/silent.py");
    ended
        .says("ml/quiet.py")
        .says("a folder of `fal-models-paths`")
        .never_says("util.py")
        .never_says("__init__.py");
    ended.never_says("helper.py");
    project
        .run_host("check")
        .expect(2)
        .says("models/silent.py")
        .says("ml/quiet.py");
    project.run("run --select silent").expect(2);
    project
        .run("run --select base user")
        .expect(0)
        .says("models/silent.py");
}
