import journal

journal.note("first.py", context.current_model)
