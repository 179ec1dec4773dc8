"""The sans-I/O core: what Gradio servers say, as values, and what follows from it.

Nothing here opens a socket, starts a thread, reads a clock or knows an event
loop, so that every rule is tested by calling functions with values.
"""
