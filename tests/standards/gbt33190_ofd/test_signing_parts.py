"""Where OFD.xml says that the list of signatures is: entered for a document that has none, changed for one that has."""

from __future__ import annotations

import pytest

from standards.gbt33190_ofd.signing_parts import write_way
from standards.gbt33190_ofd.xml_parts import read_xml

SPACE = 'xmlns:ofd="http://www.ofdspec.org/2016"'


@pytest.mark.clause("GB/T 33190 7.4")
@pytest.mark.parametrize("there", ["", "<ofd:Signatures>/Doc_0/Signs/Signatures.xml</ofd:Signatures>"])
def test_the_list_is_named_once_and_other_documents_keep_theirs(there: str) -> None:
    bodies = f"<ofd:DocBody><ofd:Signatures>/Doc_9/S.xml</ofd:Signatures></ofd:DocBody><ofd:DocBody>{there}</ofd:DocBody>"
    part = f'<?xml version="1.0" encoding="UTF-8"?><ofd:OFD {SPACE} Version="1.1" DocType="OFD">{bodies}</ofd:OFD>'.encode()
    written = read_xml(write_way(part, 1, "Doc_1/Signs/Signatures_1.xml")).children("DocBody")
    named = [[str(each.text) for each in body.children("Signatures")] for body in written]
    assert named == [["/Doc_9/S.xml"], ["/Doc_1/Signs/Signatures_1.xml"]]
