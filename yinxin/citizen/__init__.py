"""The citizen's pages under ``/my``: my licences, showing one, who used what, whom I entrusted, and everything that is held on me."""
