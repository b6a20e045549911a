import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.Security;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import org.bouncycastle.asn1.ASN1BitString;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1GeneralizedTime;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.ASN1Primitive;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.asn1.ASN1String;
import org.bouncycastle.asn1.ASN1TaggedObject;
import org.bouncycastle.asn1.ASN1UTF8String;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.tsp.TimeStampToken;

/**
 * What BouncyCastle finds in a seal or a sealing value of GB/T 38540 or GM/T 0031-2025, as lines "key=value".
 *
 * <p>Arguments: seal, file; or signature, file, file of the original. Every type is demanded as the standard prints it, and the signed
 * parts are encoded anew in DER: bytes that were not DER would not verify.
 */
public final class ReadSeal {
    private ReadSeal() {}

    public static void main(String[] arguments) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        byte[] data = Files.readAllBytes(Path.of(arguments[1]));
        ASN1Sequence whole = ASN1Sequence.getInstance(ASN1Primitive.fromByteArray(data));
        say("der", Arrays.equals(whole.getEncoded(ASN1Encoding.DER), data));
        if (arguments[0].equals("seal")) {
            seal(whole);
        } else {
            signature(whole, Files.readAllBytes(Path.of(arguments[2])));
        }
    }

    private static void say(String key, Object value) {
        System.out.println(key + "=" + value);
    }

    private static ASN1Sequence seal(ASN1Sequence seal) throws Exception {
        ASN1Sequence info = ASN1Sequence.getInstance(seal.getObjectAt(0));
        ASN1Sequence header = ASN1Sequence.getInstance(info.getObjectAt(0));
        say("header", ((ASN1String) header.getObjectAt(0)).getString());
        say("version", ASN1Integer.getInstance(header.getObjectAt(1)).getValue());
        say("es-id", ((ASN1String) info.getObjectAt(1)).getString());
        ASN1Sequence property = ASN1Sequence.getInstance(info.getObjectAt(2));
        say("name", ASN1UTF8String.getInstance(property.getObjectAt(1)).getString());
        say("list-type", ASN1Integer.getInstance(property.getObjectAt(2)).getValue());
        say("valid-until", ASN1GeneralizedTime.getInstance(property.getObjectAt(6)).getTime());
        ASN1Sequence picture = ASN1Sequence.getInstance(info.getObjectAt(3));
        say("width", ASN1Integer.getInstance(picture.getObjectAt(2)).getValue());
        byte[] value = bits(seal, 3);
        say("seal-value", verifies(seal, info.getEncoded(ASN1Encoding.DER), value));
        if (seal.size() == 5) {
            token("seal-", seal.getObjectAt(4), value);
        }
        return ASN1Sequence.getInstance(property.getObjectAt(3));
    }

    private static void signature(ASN1Sequence signature, byte[] original) throws Exception {
        ASN1Sequence signed = ASN1Sequence.getInstance(signature.getObjectAt(0));
        ASN1Sequence list = seal(ASN1Sequence.getInstance(signed.getObjectAt(1)));
        say("stated-version", ASN1Integer.getInstance(signed.getObjectAt(0)).getValue());
        say("time", ASN1GeneralizedTime.getInstance(signed.getObjectAt(2)).getTime());
        say("data-hash", Arrays.equals(bits(signed, 3), sm3(original)));
        say("property-info", ((ASN1String) signed.getObjectAt(4)).getString());
        byte[] value = bits(signature, 3);
        say("value", verifies(signature, signed.getEncoded(ASN1Encoding.DER), value));
        say("listed", isListed(list, ASN1OctetString.getInstance(signature.getObjectAt(1)).getOctets()));
        if (signature.size() == 5) {
            token("", signature.getObjectAt(4), value);
        }
    }

    private static boolean isListed(ASN1Sequence list, byte[] certificate) throws Exception {
        for (int i = 0; i < list.size(); i++) {
            if (list.getObjectAt(i) instanceof ASN1OctetString entry) {
                if (Arrays.equals(entry.getOctets(), certificate)) {
                    return true;
                }
            } else {
                ASN1Sequence entry = ASN1Sequence.getInstance(list.getObjectAt(i));
                if (Arrays.equals(ASN1OctetString.getInstance(entry.getObjectAt(1)).getOctets(), sm3(certificate))) {
                    return true;
                }
            }
        }
        return false;
    }

    private static byte[] bits(ASN1Sequence sequence, int index) {
        return ASN1BitString.getInstance(sequence.getObjectAt(index)).getOctets();
    }

    private static byte[] sm3(byte[] data) throws Exception {
        return MessageDigest.getInstance("SM3", "BC").digest(data);
    }

    /** Elements 1 and 2 are the certificate and the algorithm, in seals and sealing values alike. */
    private static boolean verifies(ASN1Sequence frame, byte[] message, byte[] value) throws Exception {
        byte[] encoded = ASN1OctetString.getInstance(frame.getObjectAt(1)).getOctets();
        CertificateFactory factory = CertificateFactory.getInstance("X.509", "BC");
        X509Certificate certificate = (X509Certificate) factory.generateCertificate(new ByteArrayInputStream(encoded));
        Signature verifier = Signature.getInstance(ASN1ObjectIdentifier.getInstance(frame.getObjectAt(2)).getId(), "BC");
        verifier.initVerify(certificate.getPublicKey());
        verifier.update(message);
        try {
            return verifier.verify(value);
        } catch (java.security.SignatureException notDer) {
            return false;
        }
    }

    private static void token(String prefix, Object field, byte[] stamped) throws Exception {
        ASN1TaggedObject tagged = ASN1TaggedObject.getInstance(field);
        say(prefix + "token-tag", tagged.getTagNo());
        byte[] encoded = ASN1BitString.getInstance(tagged, true).getOctets();
        TimeStampToken token = new TimeStampToken(new CMSSignedData(encoded));
        say(prefix + "imprint", Arrays.equals(token.getTimeStampInfo().getMessageImprintDigest(), sm3(stamped)));
        X509CertificateHolder authority =
                (X509CertificateHolder) token.getCertificates().getMatches(token.getSID()).iterator().next();
        token.validate(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(authority));
        say(prefix + "token", true);
    }
}
