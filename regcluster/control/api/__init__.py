"""The HTTP API, ``/api/v1``: what the verbs of the command line do, for programs.

``operations`` is the table of all there is; the routes and the OpenAPI document are made from it.
"""
