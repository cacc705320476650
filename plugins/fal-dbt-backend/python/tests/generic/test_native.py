"""dbt-native Python models on adapters for which fal runs no Python."""

from live import native_job


def test_rows_are_staged_and_dbt_makes_the_table(client, job):
    session = client.session
    session.on_python_job = lambda event: session.send("python_job_done", **native_job.run(event))
    for rows in (3, 4):
        result = session.run("model.shop.returned")
        assert result["status"] == "success", result["message"]
        count = job.sql(
            "select count(*) as n from {{ this }}".replace("{{ this }}", result["relation_name"]),
            raw=True,
        )
        assert count["n"].to_pylist() == [rows]
