"""Who is who on the broker: the certificates of speakers, of the broker, and of this service."""
