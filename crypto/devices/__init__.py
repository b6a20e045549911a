"""Keys that live in cryptographic devices: PKCS#11 tokens and SDF devices (GM/T 0018), behind the one ``Signer`` seam.

Nothing here is certified and nothing here makes a device so: the libraries are the vendors', called by cffi without a compiler.
"""
