"""The faces of licences: PDF/A-3 and OFD files drawn from licence data and a template that is data, with a code to scan and files inside.

::

    template = read_face(design)                                   # faces.read_design: JSON in, checked strictly
    data = draw_pdf(licence, template, attachments, qr_text=text)  # faces.draw; draw_ofd gives the other kind of file
"""
