"""The zygote: a process that imports what models need once, then starts one process for each model.

`preload` says what may be imported ahead, `server` answers the supervisor and starts the jobs, and
`parent` is the process above it, which outlives it to clear up. The zygote never runs the user's
code itself.
"""
