"""Benchmarks: Gamehall beside what people write instead, on one machine, in one run. `python -m bench.run --help`."""
