"""What every service needs; no business word of any service occurs here."""
