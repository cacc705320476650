import journal

journal.note("tell.py", context.current_model)
