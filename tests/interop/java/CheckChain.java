import java.io.ByteArrayInputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Security;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertStore;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.PKIXCertPathBuilderResult;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Set;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.ocsp.BasicOCSPResp;
import org.bouncycastle.cert.ocsp.CertificateStatus;
import org.bouncycastle.cert.ocsp.OCSPResp;
import org.bouncycastle.cert.ocsp.RevokedStatus;
import org.bouncycastle.cert.ocsp.SingleResp;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;

/**
 * What BouncyCastle says about a chain, an OCSP response or a certification request, as lines "key=value".
 *
 * <p>Arguments: chain, folder (leaf.cer, anchor.cer, *.crt intermediates, *.crl lists), moment (ISO 8601); or ocsp, folder
 * (response.ocsp, issuer.cer, leaf.cer); or request, file.
 */
public final class CheckChain {
    private CheckChain() {}

    public static void main(String[] arguments) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        Path path = Path.of(arguments[1]);
        switch (arguments[0]) {
            case "chain" -> chain(path, Date.from(Instant.parse(arguments[2])));
            case "ocsp" -> ocsp(path);
            default -> request(path);
        }
    }

    private static X509Certificate certificate(Path path) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509", "BC");
        return (X509Certificate) factory.generateCertificate(new ByteArrayInputStream(Files.readAllBytes(path)));
    }

    private static void chain(Path folder, Date at) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509", "BC");
        List<Object> known = new ArrayList<>();
        X509Certificate leaf = certificate(folder.resolve("leaf.cer"));
        known.add(leaf);
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*.{crt,crl}")) {
            for (Path file : files) {
                ByteArrayInputStream in = new ByteArrayInputStream(Files.readAllBytes(file));
                known.add(file.toString().endsWith(".crt") ? factory.generateCertificate(in) : factory.generateCRL(in));
            }
        }
        X509CertSelector wanted = new X509CertSelector();
        wanted.setCertificate(leaf);
        TrustAnchor anchor = new TrustAnchor(certificate(folder.resolve("anchor.cer")), null);
        PKIXBuilderParameters parameters = new PKIXBuilderParameters(Set.of(anchor), wanted);
        parameters.addCertStore(CertStore.getInstance("Collection", new CollectionCertStoreParameters(known), "BC"));
        parameters.setRevocationEnabled(true);
        parameters.setDate(at);
        try {
            PKIXCertPathBuilderResult built = (PKIXCertPathBuilderResult) CertPathBuilder.getInstance("PKIX", "BC").build(parameters);
            System.out.println("path=true");
            System.out.println("certificates=" + built.getCertPath().getCertificates().size());
        } catch (CertPathBuilderException error) {
            System.out.println("path=false");
            Throwable reason = error;
            while (reason.getCause() != null) {
                reason = reason.getCause();
            }
            System.out.println("reason=" + String.valueOf(reason.getMessage()).replace('\n', ' '));
        }
    }

    private static void ocsp(Path folder) throws Exception {
        OCSPResp response = new OCSPResp(Files.readAllBytes(folder.resolve("response.ocsp")));
        BasicOCSPResp basic = (BasicOCSPResp) response.getResponseObject();
        X509CertificateHolder issuer = new X509CertificateHolder(Files.readAllBytes(folder.resolve("issuer.cer")));
        X509CertificateHolder leaf = new X509CertificateHolder(Files.readAllBytes(folder.resolve("leaf.cer")));
        X509CertificateHolder responder = basic.getCerts().length == 0 ? issuer : basic.getCerts()[0];
        JcaContentVerifierProviderBuilder verifiers = new JcaContentVerifierProviderBuilder().setProvider("BC");
        System.out.println("signature=" + basic.isSignatureValid(verifiers.build(responder)));
        System.out.println("responder=" + responder.isSignatureValid(verifiers.build(issuer)));
        SingleResp single = basic.getResponses()[0];
        boolean sameIssuer =
                single.getCertID().matchesIssuer(issuer, new JcaDigestCalculatorProviderBuilder().setProvider("BC").build());
        System.out.println("about=" + (sameIssuer && single.getCertID().getSerialNumber().equals(leaf.getSerialNumber())));
        CertificateStatus status = single.getCertStatus();
        System.out.println("status=" + (status == null ? "good" : status instanceof RevokedStatus ? "revoked" : "unknown"));
    }

    private static void request(Path file) throws Exception {
        PKCS10CertificationRequest request = new PKCS10CertificationRequest(Files.readAllBytes(file));
        JcaContentVerifierProviderBuilder verifiers = new JcaContentVerifierProviderBuilder().setProvider("BC");
        System.out.println("signature=" + request.isSignatureValid(verifiers.build(request.getSubjectPublicKeyInfo())));
    }
}
