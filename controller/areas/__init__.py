"""The administrative tree and the rules that flow down it."""
