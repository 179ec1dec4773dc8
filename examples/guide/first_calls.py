"""Connect, look around, and call functions of an app."""

import sys

from rxgradio import Client

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"

# The address of the app, as the browser shows it. A Space has a name instead: "user/space".
client = Client(ADDRESS)

# What can be called, and with what: as a text, or to work with.
client.view_api()
api = client.view_api(print_info=False, return_format="dict")
for name, endpoint in api["named_endpoints"].items():
    print(name, [parameter["parameter_name"] for parameter in endpoint["parameters"]])

# By position, by name, and without what has a default.
print("by position:", client.predict(5, "add", 4, api_name="/calculate"))
print("by name:", client.predict(operation="divide", num1=9, num2=2, api_name="/calculate"))
print("with a default:", client.predict(7, "subtract", api_name="/calculate"))

# What does not fit is said before anything is sent.
try:
    client.predict(5, "add", number=4, api_name="/calculate")
except TypeError as error:
    print("TypeError:", "number" in str(error))

# What the app says that went wrong.
try:
    client.predict(5, "divide", 0, api_name="/calculate")
except ValueError as error:
    print("the app says:", error)
