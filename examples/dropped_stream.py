"""Test a script of one's own against a stream that drops. Needs no app: it brings its own."""

from rxgradio import Client, ConnectionLost
from rxgradio.testing import FaultServer, Reset

# ---- the script


def transcript(address: str, question: str) -> str:
    """Ask a chat app, and return its answer as far as it came."""
    with Client(address) as client:
        job = client.submit(question, api_name="/chat")
        try:
            return str(job.result())
        except ConnectionLost:
            return f"{job.latest} [the connection was lost]"


# ---- its tests


def chat(question):
    answer = ""
    for word in f"You said {question}".split():
        answer = f"{answer} {word}".strip()
        yield answer


def test_the_whole_answer_is_kept() -> None:
    with FaultServer({"/chat": chat}) as server:
        assert transcript(server.url, "good day") == "You said good day"


def test_what_came_before_the_stream_dropped_is_kept() -> None:
    for version in ("3.50.2", "4.8.0", "4.44.1", "6.31.0"):
        with FaultServer({"/chat": chat}, version=version) as server:
            server.script("stream", Reset(after=2, of="process_generating"))
            text = transcript(server.url, "good day")
        assert text == "You said [the connection was lost]", version
        print(f"Gradio {version}: {text}")


if __name__ == "__main__":  # or leave it to pytest
    test_the_whole_answer_is_kept()
    test_what_came_before_the_stream_dropped_is_kept()
