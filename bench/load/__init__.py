"""The load generator: its own process on its own core, one request in flight per connection or stream, every answer's status counted."""
