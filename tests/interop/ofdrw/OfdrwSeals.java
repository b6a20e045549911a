import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Security;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Calendar;
import java.util.Date;
import org.bouncycastle.asn1.ASN1EncodableVector;
import org.bouncycastle.asn1.ASN1GeneralizedTime;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1UTCTime;
import org.bouncycastle.asn1.DERIA5String;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.DERUTF8String;
import org.bouncycastle.asn1.gm.GMObjectIdentifiers;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.ofdrw.core.signatures.SigType;
import org.ofdrw.gm.ses.parse.SESVersion;
import org.ofdrw.gm.ses.parse.VersionParser;
import org.ofdrw.gm.ses.v1.SES_ESPictrueInfo;
import org.ofdrw.gm.ses.v1.SES_Header;
import org.ofdrw.gm.ses.v1.SES_SignInfo;
import org.ofdrw.gm.ses.v4.CertInfoList;
import org.ofdrw.gm.ses.v4.SES_CertList;
import org.ofdrw.gm.ses.v4.SES_ESPropertyInfo;
import org.ofdrw.gm.ses.v4.SES_SealInfo;
import org.ofdrw.gm.ses.v4.SES_Signature;
import org.ofdrw.gm.ses.v4.SESeal;
import org.ofdrw.sign.ExtendSignatureContainer;
import org.ofdrw.sign.signContainer.SESV1Container;
import org.ofdrw.sign.signContainer.SESV4Container;
import org.ofdrw.sign.verify.SignedDataValidateContainer;
import org.ofdrw.sign.verify.container.SESV1ValidateContainer;
import org.ofdrw.sign.verify.container.SESV4ValidateContainer;
import org.ofdrw.sign.verify.exceptions.InvalidSignedValueException;

/**
 * Seals as ofdrw makes and reads them, as lines "key=value".
 *
 * <p>Arguments: read, file of a sealing value, file of the original; or make, version (1 or 4), folder with maker.key, maker.cer,
 * signer.key, signer.cer (DER) and original, into which seal.esl and value.dat are written; or sign, folder with seal.esl of version 4.
 */
public final class OfdrwSeals {
    private OfdrwSeals() {}

    public static void main(String[] arguments) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        Path place = Path.of(arguments[arguments.length - 1]);
        switch (arguments[0]) {
            case "read" -> read(Files.readAllBytes(Path.of(arguments[1])), Files.readAllBytes(place));
            case "make" -> make(arguments[1].equals("1"), place);
            default -> write(place, new SESV4Container(
                    key(place, "signer.key"), SESeal.getInstance(Files.readAllBytes(place.resolve("seal.esl"))),
                    certificate(place, "signer.cer")));
        }
    }

    private static void read(byte[] value, byte[] original) throws Exception {
        boolean isOld = VersionParser.parseSES_SignatureVersion(value).getVersion() == SESVersion.v1;
        SignedDataValidateContainer validator = isOld ? new SESV1ValidateContainer() : new SESV4ValidateContainer();
        System.out.println("version=" + (isOld ? 1 : 4));
        if (!isOld) {
            SES_Signature signature = SES_Signature.getInstance(value);
            SESeal seal = signature.getToSign().getEseal();
            System.out.println("stated-version=" + signature.getToSign().getVersion());
            System.out.println("es-id=" + seal.geteSealInfo().getEsID());
            System.out.println("name=" + seal.geteSealInfo().getProperty().getName().getString());
            System.out.println("property-info=" + signature.getToSign().getPropertyInfo().getString());
            System.out.println("stamped=" + (signature.getTimeStamp() != null));
            Signature verifier = Signature.getInstance(seal.getSignAlgID().getId(), "BC");
            verifier.initVerify(certificate(seal.getCert().getOctets()));
            verifier.update(seal.geteSealInfo().getEncoded("DER"));
            System.out.println("seal-value=" + verifier.verify(seal.getSignedValue().getOctets()));
        }
        try {
            validator.validate(SigType.Seal, GMObjectIdentifiers.sm2sign_with_sm3.getId(), original, value);
            System.out.println("valid=true");
        } catch (InvalidSignedValueException | java.security.SignatureException refused) {
            System.out.println("valid=false");
        }
    }

    private static void make(boolean isOld, Path folder) throws Exception {
        Certificate maker = certificate(folder, "maker.cer");
        Certificate signer = certificate(folder, "signer.cer");
        PrivateKey makerKey = key(folder, "maker.key");
        PrivateKey signerKey = key(folder, "signer.key");
        Date now = new Date();
        Calendar later = Calendar.getInstance();
        later.add(Calendar.YEAR, 1);
        SES_ESPictrueInfo picture = new SES_ESPictrueInfo()
                .setType("PNG").setData(new byte[] {1, 2, 3}).setWidth(40).setHeight(40);
        ExtendSignatureContainer container;
        byte[] encoded;
        if (isOld) {
            SES_Header header = new SES_Header(new ASN1Integer(1), new DERIA5String("ofdrw"));
            org.ofdrw.gm.ses.v1.SES_ESPropertyInfo property = new org.ofdrw.gm.ses.v1.SES_ESPropertyInfo(
                    org.ofdrw.gm.ses.v1.SES_ESPropertyInfo.OrgType,
                    new DERUTF8String("他人所制印章"),
                    new DERSequence(new DEROctetString(signer.getEncoded())),
                    new ASN1UTCTime(now), new ASN1UTCTime(now), new ASN1UTCTime(later.getTime()));
            org.ofdrw.gm.ses.v1.SES_SealInfo info = new org.ofdrw.gm.ses.v1.SES_SealInfo(
                    header, new DERIA5String("ofdrw-1"), property, picture, null);
            ASN1EncodableVector signed = new ASN1EncodableVector();
            signed.add(info);
            signed.add(new DEROctetString(maker.getEncoded()));
            signed.add(GMObjectIdentifiers.sm2sign_with_sm3);
            SES_SignInfo signInfo = new SES_SignInfo()
                    .setCert(new DEROctetString(maker.getEncoded()))
                    .setSignatureAlgorithm(GMObjectIdentifiers.sm2sign_with_sm3)
                    .setSignData(sign(makerKey, new DERSequence(signed).getEncoded("DER")));
            org.ofdrw.gm.ses.v1.SESeal seal = new org.ofdrw.gm.ses.v1.SESeal(info, signInfo);
            encoded = seal.getEncoded("DER");
            container = new SESV1Container(signerKey, seal, signer);
        } else {
            SES_Header header = new SES_Header(SES_Header.V4, new DERIA5String("ofdrw"));
            CertInfoList list = new CertInfoList().add(new DEROctetString(signer.getEncoded()));
            SES_ESPropertyInfo property = new SES_ESPropertyInfo(
                    new ASN1Integer(3), new DERUTF8String("他人所制印章"), SES_ESPropertyInfo.CertListType,
                    new SES_CertList(list),
                    new ASN1GeneralizedTime(now), new ASN1GeneralizedTime(now), new ASN1GeneralizedTime(later.getTime()));
            SES_SealInfo info = new SES_SealInfo(header, new DERIA5String("ofdrw-4"), property, picture, null);
            SESeal seal = new SESeal()
                    .seteSealInfo(info)
                    .setCert(new DEROctetString(maker.getEncoded()))
                    .setSignAlgID(GMObjectIdentifiers.sm2sign_with_sm3)
                    .setSignedValue(sign(makerKey, info.getEncoded("DER")));
            encoded = seal.getEncoded("DER");
            container = new SESV4Container(signerKey, seal, signer);
        }
        Files.write(folder.resolve("seal.esl"), encoded);
        write(folder, container);
    }

    private static void write(Path folder, ExtendSignatureContainer container) throws Exception {
        byte[] original = Files.readAllBytes(folder.resolve("original"));
        byte[] value = container.sign(new ByteArrayInputStream(original), "/Doc_0/Signs/Sign_0/Signature.xml");
        Files.write(folder.resolve("value.dat"), value);
        System.out.println("bytes=" + value.length);
    }

    private static byte[] sign(PrivateKey key, byte[] message) throws Exception {
        Signature signer = Signature.getInstance("SM3withSM2", "BC");
        signer.initSign(key);
        signer.update(message);
        return signer.sign();
    }

    private static PrivateKey key(Path folder, String name) throws Exception {
        return KeyFactory.getInstance("EC", "BC")
                .generatePrivate(new PKCS8EncodedKeySpec(Files.readAllBytes(folder.resolve(name))));
    }

    private static Certificate certificate(Path folder, String name) throws Exception {
        return certificate(Files.readAllBytes(folder.resolve(name)));
    }

    private static Certificate certificate(byte[] encoded) throws Exception {
        return CertificateFactory.getInstance("X.509", "BC").generateCertificate(new ByteArrayInputStream(encoded));
    }
}
