"""The console: pages for people who work with seals, licences and the deployment itself.

It is a client of the platform's own API in the name of who is signed in, so what a person may do is decided there and nowhere here.
"""
