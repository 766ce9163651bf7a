"""Machine types, reservations and prices, with their sources."""
