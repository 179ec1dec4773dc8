"""Real Gradio servers of several releases, each installed in an environment of its own."""
