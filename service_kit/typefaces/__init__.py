"""Typefaces of this machine: which face has the characters of a text, fonts cut down to a document's characters, outlines and shaped runs.

::

    face = find_face("呼伦贝尔市", Style.SONG)          # typefaces.faces: the best Song face here, else the one that every machine has
    cut = cut_face(face, "呼伦贝尔市")                  # typefaces.cut: a small TrueType font with advances and glyph numbers
    outlines = Outlines(face.path, index=face.index)   # typefaces.outlines: contours of glyphs, shaped runs

HarfBuzz reads the fonts, so what it is given may come from outside; fontTools only writes what HarfBuzz has cut.
"""
