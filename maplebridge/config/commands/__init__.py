"""The commands of `maplebridge`: one module each, which names its click command `command`."""
