"""How Vietnamese text is read aloud: layout, words, numbers, and the tables that offices extend."""
