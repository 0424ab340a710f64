"""Screening for disputes and mediating them (矛盾纠纷排查化解): free, voluntary, in confidence."""
