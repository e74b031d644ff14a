"""Rules: what the application's makers want done when something happens, said without code."""
