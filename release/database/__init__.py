"""Upgrading the database: what a release's migrations would do to it, and doing it."""
