"""The shortcuts of a session's start have no visible effect."""

import json


def run(open_session, project, state, **request):
    session = open_session(state_dir=str(state), **request)
    session.start("models/fal/scores.sql")
    session.run("seed.shop.raw_orders")
    session.finish()
    return json.loads((project / "target/manifest.json").read_text())


def names(kept):
    return {key.split(" ")[0].rsplit(".", 1)[1] for key in json.loads(kept.read_text())["schemas"]}


def test_kept_schemas_are_used_and_a_broken_file_is_made_anew(project, open_session, tmp_path):
    kept = tmp_path / "dbt-schemas.json"
    run(open_session, project, tmp_path)
    assert {"Project", "DuckDBCredentials"} <= names(kept)
    inode = kept.stat().st_ino
    run(open_session, project, tmp_path)
    assert kept.stat().st_ino == inode
    kept.write_text("{")
    run(open_session, project, tmp_path)
    assert {"Project", "DuckDBCredentials"} <= names(kept)


def test_a_wrong_project_is_still_refused_with_kept_schemas(project, open_session, tmp_path):
    run(open_session, project, tmp_path)
    (project / "dbt_project.yml").write_text(
        "name: shop\nversion: '1.0'\nprofile: shop\nmodel-paths: 7\n"
    )
    session = open_session(state_dir=str(tmp_path))
    answer = session.send("load", python_models=[], gateway={"socket_dir": str(session.socket_dir)})
    assert "7 is not valid under" in str(answer.exception(60))


def test_a_link_in_the_place_of_the_folder_is_not_written_through(project, open_session, tmp_path):
    outside, link = tmp_path / "outside", tmp_path / "fal"
    outside.mkdir()
    link.symlink_to(outside)
    run(open_session, project, link)
    assert list(outside.iterdir()) == []


def test_an_unusable_folder_does_not_matter(project, open_session, tmp_path):
    assert run(open_session, project, tmp_path / "not there")["nodes"]


def test_the_manifest_is_written_however_it_ends(project, open_session):
    manifest = project / "target/manifest.json"
    for request, interrupted in (
        ({"command": "ls", "execute": False}, False),
        ({}, True),
        ({}, False),
    ):
        manifest.unlink(missing_ok=True)
        session = open_session(**request)
        session.load("models/fal/scores.sql")
        if request == {}:
            session.ask("begin", selected=session.runnable())
        session.finish(interrupted)
        nodes = json.loads(manifest.read_text())["nodes"]
        assert "model.shop.scores" in nodes
