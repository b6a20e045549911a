"""The built-in certification authority as a part of the deployment: its register, its lists, its time-stamps and its HTTP addresses."""
