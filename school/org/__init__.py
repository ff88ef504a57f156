"""Organisations, members and accounts: the tree, who is where, who may what, sign-in and the audit log."""
