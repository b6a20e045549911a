"""A plain document with one of every kind of part, as files by name."""

from __future__ import annotations

NAMESPACE = "http://www.ofdspec.org/2016"
PNG = b"\x89PNG\r\n\x1a\n picture"


def part(name: str, inner: str = "", **attributes: str) -> bytes:
    """A part with this root element; inside, ``o:`` is the namespace of the standard."""
    stated = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<o:{name} xmlns:o="{NAMESPACE}"{stated}>{inner}</o:{name}>'.encode()


def entry(bodies: str | None = None, **attributes: str) -> bytes:
    bodies = body() if bodies is None else bodies
    return part("OFD", bodies, Version="1.0", DocType="OFD", **attributes)


def body(root: str = "Doc_0/Document.xml", *, signatures: str | None = None, extra: str = "") -> str:
    signed = f"<o:Signatures>{signatures}</o:Signatures>" if signatures is not None else ""
    return f"<o:DocBody><o:DocInfo><o:DocID>1</o:DocID></o:DocInfo><o:DocRoot>{root}</o:DocRoot>{extra}{signed}</o:DocBody>"


def plain_files(*, signatures: str | None = "/Doc_0/Signs/Signatures.xml") -> dict[str, bytes]:
    """Two pages, a template, resources of every kind, annotations, an attachment, tags and an extension."""
    document = (
        "<o:CommonData><o:MaxUnitID>99</o:MaxUnitID><o:PageArea><o:PhysicalBox>0 0 210 297</o:PhysicalBox></o:PageArea>"
        "<o:PublicRes>PublicRes.xml</o:PublicRes><o:DocumentRes>DocumentRes.xml</o:DocumentRes>"
        '<o:TemplatePage ID="7" BaseLoc="Tpls/Tpl_0/Content.xml"/></o:CommonData>'
        '<o:Pages><o:Page ID="1" BaseLoc="Pages/Page_0/Content.xml"/><o:Page ID="2" BaseLoc="/Doc_0/Pages/Page_1/Content.xml"/></o:Pages>'
        "<o:Annotations>Annots/Annotations.xml</o:Annotations><o:CustomTags>Tags/CustomTags.xml</o:CustomTags>"
        "<o:Attachments>Attachs/Attachments.xml</o:Attachments><o:Extensions>Extensions.xml</o:Extensions>"
    )
    page = '<o:Template TemplateID="7"/>{}<o:Content><o:Layer ID="{}"><o:TextObject/></o:Layer></o:Content>'
    area = "<o:Area><o:PhysicalBox>0 0 100 100</o:PhysicalBox></o:Area>"
    return {
        "OFD.xml": entry(body(signatures=signatures)),
        "Doc_0/Document.xml": part("Document", document),
        "Doc_0/PublicRes.xml": part(
            "Res",
            '<o:ColorSpaces><o:ColorSpace ID="3" Type="CMYK" Profile="c.icc"/></o:ColorSpaces>'
            '<o:Fonts><o:Font ID="4"><o:FontFile>f.ttf</o:FontFile></o:Font></o:Fonts>',
            BaseLoc="Res",
        ),
        "Doc_0/DocumentRes.xml": part(
            "Res",
            '<o:MultiMedias><o:MultiMedia ID="5" Type="Image"><o:MediaFile>p.png</o:MediaFile></o:MultiMedia></o:MultiMedias>',
            BaseLoc="Res",
        ),
        "Doc_0/Tpls/Tpl_0/Content.xml": part("Page"),
        "Doc_0/Pages/Page_0/Content.xml": part("Page", page.format("<o:PageRes>PageRes.xml</o:PageRes>", 11)),
        "Doc_0/Pages/Page_0/PageRes.xml": part(
            "Res", "<o:MultiMedias><o:MultiMedia><o:MediaFile>q.png</o:MediaFile></o:MultiMedia></o:MultiMedias>"
        ),
        "Doc_0/Pages/Page_0/q.png": PNG,
        "Doc_0/Pages/Page_1/Content.xml": part("Page", area + page.format("", 12)),
        "Doc_0/Res/p.png": PNG,
        "Doc_0/Res/f.ttf": b"font",
        "Doc_0/Res/c.icc": b"profile",
        "Doc_0/Annots/Annotations.xml": part("Annotations", '<o:Page PageID="1"><o:FileLoc>Page_0/Annotation.xml</o:FileLoc></o:Page>'),
        "Doc_0/Annots/Page_0/Annotation.xml": part("PageAnnot"),
        "Doc_0/Attachs/Attachments.xml": part("Attachments", '<o:Attachment ID="6"><o:FileLoc>a.json</o:FileLoc></o:Attachment>'),
        "Doc_0/Attachs/a.json": b"{}",
        "Doc_0/Tags/CustomTags.xml": part(
            "CustomTags", "<o:CustomTag><o:SchemaLoc>t.xsd</o:SchemaLoc><o:FileLoc>t.xml</o:FileLoc></o:CustomTag>"
        ),
        "Doc_0/Tags/t.xsd": b"schema",
        "Doc_0/Tags/t.xml": part("Tag"),
        "Doc_0/Extensions.xml": part("Extensions", "<o:Extension><o:ExtendData>e.dat</o:ExtendData></o:Extension>"),
        "Doc_0/e.dat": b"data",
    }
