"""Files on their way to an app and from it: read, sent, fetched and kept.

What they look like in the data of a call is the business of `protocol.files`.
"""
