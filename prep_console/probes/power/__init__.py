"""Where the power comes from and how long it lasts."""
