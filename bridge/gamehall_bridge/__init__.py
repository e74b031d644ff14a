"""HTTP/JSON in front of the same `invoke` as gRPC. It knows the contract and no module."""
