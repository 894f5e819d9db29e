"""Emergencies: raised by one, released by another or with a code, active until they end, followed to every speaker."""
