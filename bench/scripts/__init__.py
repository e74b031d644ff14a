"""What is asked of a running server, in its own words: one script for each kind of server that `bench.peer` knows."""
