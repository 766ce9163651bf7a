"""AWS as it is played: moto's server, and what of AWS it lacks."""
