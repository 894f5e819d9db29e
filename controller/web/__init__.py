"""The pages: server-rendered, in Vietnamese and English, live where a browser allows it."""
