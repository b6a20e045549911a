"""The sentences of :mod:`crypto.report_text` by subject: code -> (English, Chinese). A new code goes to the end of its block."""
