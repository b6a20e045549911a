"""The public verification page at ``/v``: anyone finds out what a sealed file or a code on a licence is worth, in the browser, without an account."""
