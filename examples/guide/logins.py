"""An app that demands a login, and header fields of one's own."""

import sys

from rxgradio import Client

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"

try:
    Client(ADDRESS, auth=("admin", "a guess"))
except ValueError:
    print("not with a guess")

client = Client(ADDRESS, auth=("admin", "secret"), headers={"x-team": "red"})
print(client.predict(api_name="/who"))

client = Client(ADDRESS, auth=("admin", "secret"))
print(client.predict(api_name="/who", headers={"x-team": "blue"}))
