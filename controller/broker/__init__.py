"""Who may say what where on the broker, as the database knows it, in each broker's own words."""
