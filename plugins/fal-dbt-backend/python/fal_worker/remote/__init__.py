"""A job on a machine that has nothing of ours but the lease's script.

`bootstrap` is the text of that script, around what the supervisor puts into it; it unpacks this package and calls `keeper`,
which runs the job as a fresh interpreter, and sends what it prints and answers to the gateway. `access` is the way there,
`outgoing` what waits to be sent, `child` the job's process, `request` the job's request on this machine.
`here` runs it in the process that asks, with the runner's store of tables in `stored`.
"""
