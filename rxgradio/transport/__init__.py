"""The sockets: what carries out the commands of the sans-I/O core.

Everything here runs on the scheduler thread.
"""
