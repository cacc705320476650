import journal

journal.note("done.py", context.current_model)
