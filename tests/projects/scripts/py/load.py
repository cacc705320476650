import journal

journal.note("load.py", context.current_model)
