"""The administration: pages over the configuration, and over no case."""
