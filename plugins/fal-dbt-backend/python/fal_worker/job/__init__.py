"""A job: the process that runs one model's Python, and ends with it.

`start` makes the process a job, `run` executes the request and answers, `program` compiles and runs
the user's code, `scope` holds the names it sees, `client` talks to the data gateway, `read` and
`writes` turn Arrow into the user's frames and back, `report` describes errors in the user's terms,
`shell` and `magics` take IPython's place, `native` runs dbt's own kind of Python model, and
`imports` answers imports of fal's modules.
"""
