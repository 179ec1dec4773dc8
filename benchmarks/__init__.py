"""How fast rxgradio is, beside the official client and beside what httpx allows.

One run measures three clients, interleaved, against a server that is faster than
any of them. Nothing here is imported by the library.
"""
