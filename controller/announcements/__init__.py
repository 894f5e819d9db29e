"""Things to be heard: typed text and uploaded files, made into clips by a worker."""
