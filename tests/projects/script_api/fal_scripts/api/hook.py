from .note import note

model = context.current_model
side, numbers = context.arguments.side, context["arguments"]["numbers"]
note(context, f"{side} of {model.name}", status=model.status, numbers=numbers)
