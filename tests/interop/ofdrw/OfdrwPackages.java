import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.ofdrw.core.signatures.SigType;
import org.ofdrw.gm.ses.v4.SESeal;
import org.ofdrw.reader.OFDReader;
import org.ofdrw.reader.model.StampAnnotEntity;
import org.ofdrw.sign.ExtendSignatureContainer;
import org.ofdrw.sign.OFDSigner;
import org.ofdrw.sign.SignMode;
import org.ofdrw.sign.signContainer.GBT35275DSContainer;
import org.ofdrw.sign.signContainer.SESV4Container;
import org.ofdrw.sign.stamppos.NormalStampPos;
import org.ofdrw.sign.stamppos.RidingStampPos;
import org.ofdrw.sign.stamppos.Side;
import org.ofdrw.sign.verify.OFDValidator;
import org.ofdrw.sign.verify.container.GBT35275ValidateContainer;
import org.ofdrw.sign.verify.container.SESV4ValidateContainer;

/**
 * Sealed OFD documents as ofdrw validates and makes them, as lines "key=value".
 *
 * <p>Arguments: validate, file; or seal, folder with document.ofd, seal.esl, signer.key and signer.cer (DER), kind (one, seam, lock, sign),
 * which writes sealed.ofd into the folder.
 */
public final class OfdrwPackages {
    private OfdrwPackages() {}

    public static void main(String[] arguments) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        Path place = Path.of(arguments[1]);
        if (arguments[0].equals("validate")) {
            validate(place);
        } else {
            seal(place, arguments[2]);
        }
    }

    private static void validate(Path file) throws Exception {
        SESV4ValidateContainer seals = new SESV4ValidateContainer();
        GBT35275ValidateContainer signatures = new GBT35275ValidateContainer();
        try (OFDReader reader = new OFDReader(file); OFDValidator validator = new OFDValidator(reader)) {
            System.out.println("pages=" + reader.getNumberOfPages());
            System.out.println("signatures=" + reader.getDefaultSignatures().getSignatures().size());
            int stamps = 0;
            for (StampAnnotEntity each : reader.getStampAnnots()) {
                stamps += each.getStampAnnots().size();
            }
            System.out.println("stamps=" + stamps);
            validator.setValidator((type, algorithm, content, value) -> {
                if (type == SigType.Sign) {
                    signatures.validate(type, algorithm, content, value);
                } else {
                    seals.validate(type, algorithm, content, value);
                }
            });
            validator.exeValidate();
            System.out.println("valid=true");
        } catch (GeneralSecurityException | IllegalArgumentException refused) {
            System.out.println("valid=false");
            System.out.println("why=" + refused.getMessage());
        }
    }

    private static void seal(Path folder, String kind) throws Exception {
        Certificate certificate;
        try (var source = Files.newInputStream(folder.resolve("signer.cer"))) {
            certificate = CertificateFactory.getInstance("X.509", "BC").generateCertificate(source);
        }
        PrivateKey key = KeyFactory.getInstance("EC", "BC")
                .generatePrivate(new PKCS8EncodedKeySpec(Files.readAllBytes(folder.resolve("signer.key"))));
        ExtendSignatureContainer container = kind.equals("sign")
                ? new GBT35275DSContainer(certificate, key)
                : new SESV4Container(key, SESeal.getInstance(Files.readAllBytes(folder.resolve("seal.esl"))), certificate);
        try (OFDReader reader = new OFDReader(folder.resolve("document.ofd"));
                OFDSigner signer = new OFDSigner(reader, folder.resolve("sealed.ofd"))) {
            signer.setSignMode(kind.equals("lock") ? SignMode.WholeProtected : SignMode.ContinueSign);
            signer.setSignContainer(container);
            if (kind.equals("seam")) {
                signer.addApPos(new RidingStampPos(Side.Right, 40, 40));
            } else if (!kind.equals("sign")) {
                signer.addApPos(new NormalStampPos(1, 50, 50, 40, 40));
            }
            signer.exeSign();
        }
        System.out.println("sealed=true");
    }
}
