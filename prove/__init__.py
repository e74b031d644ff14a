"""Reliability proven: each module is one command that starts the real product, does its worst, and prints what came of it last."""
