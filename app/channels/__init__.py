"""The language between the domain and the connectors."""
