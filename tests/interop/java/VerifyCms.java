import java.io.ByteArrayInputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.Security;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertStore;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Date;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.cms.Attribute;
import org.bouncycastle.asn1.ess.SigningCertificateV2;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.tsp.TimeStampToken;
import org.bouncycastle.util.Store;

/**
 * What BouncyCastle says about a detached CMS signature, or about a time-stamp token, as lines "key=value".
 *
 * <p>Arguments: cms|token, file, content (or stamped data), folder with *.cer anchors and *.crl lists, moment (ISO 8601).
 */
public final class VerifyCms {
    private final List<Object> lists = new ArrayList<>();
    private final Set<TrustAnchor> anchors = new HashSet<>();
    private final Date at;

    private VerifyCms(Path trust, Instant at) throws Exception {
        this.at = Date.from(at);
        CertificateFactory factory = CertificateFactory.getInstance("X.509", "BC");
        try (DirectoryStream<Path> files = Files.newDirectoryStream(trust)) {
            for (Path file : files) {
                ByteArrayInputStream in = new ByteArrayInputStream(Files.readAllBytes(file));
                if (file.toString().endsWith(".cer")) {
                    anchors.add(new TrustAnchor((X509Certificate) factory.generateCertificate(in), null));
                } else {
                    lists.add(factory.generateCRL(in));
                }
            }
        }
    }

    public static void main(String[] args) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        byte[] data = Files.readAllBytes(Path.of(args[1]));
        byte[] content = Files.readAllBytes(Path.of(args[2]));
        VerifyCms verifier = new VerifyCms(Path.of(args[3]), Instant.parse(args[4]));
        try {
            if (args[0].equals("cms")) {
                verifier.signature(new CMSSignedData(new CMSProcessableByteArray(content), data));
            } else {
                verifier.token(data, content);
            }
        } catch (Exception e) {
            System.out.println("error=" + e.getClass().getSimpleName() + ": " + e.getMessage());
        }
    }

    private void signature(CMSSignedData signed) throws Exception {
        System.out.println("signers=" + signed.getSignerInfos().size());
        SignerInformation signer = signed.getSignerInfos().getSigners().iterator().next();
        X509CertificateHolder holder = certificateOf(signed.getCertificates(), signer);
        System.out.println("signature=" + signer.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(holder)));
        System.out.println("signing-certificate=" + isNamed(signer, holder));
        System.out.println("path=" + leadsToAnchor(holder, signed.getCertificates()));
        Attribute stamp = signer.getUnsignedAttributes() == null
            ? null
            : signer.getUnsignedAttributes().get(PKCSObjectIdentifiers.id_aa_signatureTimeStampToken);
        if (stamp != null) {
            ASN1Encodable value = stamp.getAttrValues().getObjectAt(0);
            token(value.toASN1Primitive().getEncoded(), signer.getSignature());
        }
    }

    private void token(byte[] encoded, byte[] stamped) throws Exception {
        TimeStampToken token = new TimeStampToken(new CMSSignedData(encoded));
        X509CertificateHolder holder = (X509CertificateHolder) token.getCertificates().getMatches(token.getSID()).iterator().next();
        token.validate(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(holder));
        System.out.println("token=true");
        String digest = token.getTimeStampInfo().getMessageImprintAlgOID().getId();
        byte[] expected = MessageDigest.getInstance(digest, "BC").digest(stamped);
        System.out.println("imprint=" + MessageDigest.isEqual(expected, token.getTimeStampInfo().getMessageImprintDigest()));
        System.out.println("gen-time=" + token.getTimeStampInfo().getGenTime().toInstant());
        System.out.println("token-path=" + leadsToAnchor(holder, token.getCertificates()));
    }

    private static X509CertificateHolder certificateOf(Store<X509CertificateHolder> certificates, SignerInformation signer) {
        @SuppressWarnings("unchecked")
        Collection<X509CertificateHolder> found = certificates.getMatches(signer.getSID());
        return found.iterator().next();
    }

    private static boolean isNamed(SignerInformation signer, X509CertificateHolder holder) throws Exception {
        Attribute attribute = signer.getSignedAttributes().get(PKCSObjectIdentifiers.id_aa_signingCertificateV2);
        var id = SigningCertificateV2.getInstance(attribute.getAttrValues().getObjectAt(0)).getCerts()[0];
        byte[] digest = MessageDigest.getInstance(id.getHashAlgorithm().getAlgorithm().getId(), "BC").digest(holder.getEncoded());
        return MessageDigest.isEqual(digest, id.getCertHash());
    }

    private boolean leadsToAnchor(X509CertificateHolder leaf, Store<X509CertificateHolder> certificates) throws Exception {
        JcaX509CertificateConverter converter = new JcaX509CertificateConverter().setProvider("BC");
        List<Object> items = new ArrayList<>(lists);
        for (X509CertificateHolder holder : certificates.getMatches(null)) {
            items.add(converter.getCertificate(holder));
        }
        X509CertSelector selector = new X509CertSelector();
        selector.setCertificate(converter.getCertificate(leaf));
        PKIXBuilderParameters parameters = new PKIXBuilderParameters(anchors, selector);
        parameters.addCertStore(CertStore.getInstance("Collection", new CollectionCertStoreParameters(items), "BC"));
        parameters.setRevocationEnabled(true);
        parameters.setDate(at);
        return CertPathBuilder.getInstance("PKIX", "BC").build(parameters).getCertPath().getCertificates().size() > 1;
    }
}
