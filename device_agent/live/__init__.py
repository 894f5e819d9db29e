"""A person speaking live, as one speaker hears them: whose frames to believe, and how to sound them without a break."""
