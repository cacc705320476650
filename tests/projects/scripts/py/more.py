import journal

journal.note("more.py", context.current_model)
