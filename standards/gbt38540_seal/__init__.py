"""GB/T 38540-2020, GM/T 0031-2014 and GM/T 0031-2025: the data of electronic seals (SESeal) and of sealing (SES_Signature).

``versions`` tells the three data versions apart, ``read`` reads them with the habits of real files (``quirks``), ``write`` writes versions 4
and 5. Nothing here computes a digest or verifies anything.
"""
