"""The audit log as its readers see it, and what applications write into it."""
