"""A job on a machine that has nothing but the lease's script.

`bootstrap` is the text of that script, around the data that the supervisor puts in. It unpacks this
package and calls `supervision`, which runs the job in a fresh interpreter (`child`) and sends its
output and answer to the gateway (`access`, `outgoing`). `in_process` runs the job in the calling
process instead, with the runner's store of tables in `stored`.
"""
