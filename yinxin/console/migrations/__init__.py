"""Steps of the tables of the console's sessions."""
