"""The look that all pages share: one style sheet, one frame, the switches of language and size, the tokens of forms. No business word here."""
