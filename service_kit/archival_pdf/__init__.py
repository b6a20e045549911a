"""PDF files for keeping (PDF/A-3b, ISO 19005-3): pages in millimetres, embedded fonts, an own colour profile, files inside the file.

Pages are made of the same items as those of OFD (``standards.gbt33190_ofd.write_values``), so one layout gives both kinds of file::

    fixed = prepare_layer(items, 210, 297, faces)      # layers: what thousands of documents share is packed once
    data = write_pdf([PdfPage(210, 297, [fixed, prepare_layer(more, 210, 297, faces)])], description, files)
"""
