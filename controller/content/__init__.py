"""The store of sound: every clip once, under the hash of its bytes."""
