"""Calendars of areas that people subscribe to with a program of their own, by a secret address each."""
