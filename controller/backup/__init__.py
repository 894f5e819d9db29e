"""Everything that a service is, in one file; and a service out of such a file."""
