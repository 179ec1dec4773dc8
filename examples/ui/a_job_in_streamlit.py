"""A call in a page of Streamlit: `streamlit run a_job_in_streamlit.py -- ADDRESS`."""

import sys

import streamlit as st

from rxgradio import Client
from rxgradio.ui import Watch

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"
client = st.cache_resource(Client)(ADDRESS)
state = st.session_state


def begin() -> None:
    if "job" in state:
        state.job.cancel()
    state.job = client.submit(5, api_name="/summarise")
    state.watch = Watch(state.job)


st.subheader("Summary")
if "job" not in state:
    begin()
works = state.watch.view.busy


@st.fragment(run_every=0.1 if works else None)  # the page asks as long as it works
def show() -> None:
    view = state.watch.view
    st.progress(view.progress or 0.0, text=view.status)
    st.container(border=True, height=160).text(view.output or "")
    if works and not view.busy:
        st.rerun()


show()
with st.container(horizontal=True):
    st.button("Cancel", on_click=state.job.cancel, disabled=not works, type="primary")
    st.button("Again", on_click=begin)
