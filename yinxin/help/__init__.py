"""The documents of the project, read in a browser where the deployment runs: ``/help``, and the API with its forms to try: ``/docs``."""
