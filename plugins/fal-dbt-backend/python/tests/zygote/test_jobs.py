"""Jobs in a real zygote: each harms only itself."""


def test_a_model_reads_and_writes(run, gateway):
    gateway.tables["orders"] = gateway.query("select range as id, 'x' || range as name from range(3)")
    ended = run(
        """
        print("hello")
        df = ref("orders")
        df["twice"] = df.id * 2
        write_to_model(df)
        """
    )
    assert ended.ok, ended.error
    assert ended.answer == {"ok": True, "wrote": True}
    assert ended.stdout == "hello\n"
    assert ended.exit["code"] == 0
    assert gateway.model.to_pydict() == {"id": [0, 1, 2], "name": ["x0", "x1", "x2"], "twice": [0, 2, 4]}
