"""Pages of OFD documents as PDF, so that a person can look at them: ``draw.draw_ofd(data)``.

What is drawn is the subset of GB/T 33190 that official papers use: text with embedded fonts, paths, pictures, templates,
annotations, composite units, clips. What is not drawn is listed, never left out in silence. It lies in the kit because every service that
keeps documents shows them; that a document is drawn says nothing about whether it is genuine.
"""
