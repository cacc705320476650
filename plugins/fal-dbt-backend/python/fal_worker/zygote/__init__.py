"""The zygote: a process that imports what models need once, then starts one process for each model.

`preload` says what may be imported ahead, `server` answers the supervisor, `keeper` outlives the server to clear up, `process` knows the operating system,
`spawn` starts jobs where forking is not safe. It never runs the user's code itself.
"""
