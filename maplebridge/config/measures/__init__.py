"""What the platform can do on this machine, measured on a fresh database of its own.

Each measure is one module with a function `measure(n, clients) -> dict`; its figures are those of
`maplebridge bench`. Every text measured with is made up here.
"""
