"""SM2, SM3 and SM4 from native libraries. The only doorways are crypto/sm2.py, crypto/sm3.py and crypto/sm4.py."""
