"""The machinery below the streams: one thread for all sockets, logs, and delivery.

Knows nothing of Gradio.
"""
