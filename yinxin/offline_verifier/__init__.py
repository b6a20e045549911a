"""The offline verifier: our own JavaScript that verifies sealed files in a browser, and the one HTML file that is built from it."""
