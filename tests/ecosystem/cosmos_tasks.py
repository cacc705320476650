"""Prints the tasks of `dag`: their classes and parents."""

import json

from dag import dag

tasks = {task.task_id: [type(task).__name__, sorted(task.upstream_task_ids)] for task in dag.tasks}
print("RESULT " + json.dumps(tasks))
