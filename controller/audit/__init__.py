"""Who did what, from where, before and after: written once, chained, and checked with one command."""
