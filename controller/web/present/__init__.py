"""From what the services know to what the templates show: frozen values, by subject, made by pure functions.

`now` is passed in. Templates decide nothing but looks.
"""
