import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.List;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralSubtree;
import org.bouncycastle.asn1.x509.NameConstraints;
import org.bouncycastle.asn1.x509.PKIXNameConstraintValidator;
import org.bouncycastle.util.encoders.Hex;

/** Is a name within constraints? For each line "constraints name" (DER in hexadecimal) prints "number=ok" or what BouncyCastle says. */
public final class CheckNames {
  private CheckNames() {}

  public static void main(String[] arguments) throws Exception {
    Path given = Paths.get(arguments[0]);
    List<String> lines = Files.readAllLines(given, StandardCharsets.US_ASCII);
    for (int i = 0; i < lines.size(); i++) {
      String[] parts = lines.get(i).split(" ");
      System.out.println(i + "=" + judge(Hex.decode(parts[0]), Hex.decode(parts[1])));
    }
  }

  private static String judge(byte[] constraints, byte[] name) {
    try {
      NameConstraints read = NameConstraints.getInstance(constraints);
      GeneralName general = GeneralName.getInstance(org.bouncycastle.asn1.ASN1Primitive.fromByteArray(name));
      PKIXNameConstraintValidator validator = new PKIXNameConstraintValidator();
      if (read.getPermittedSubtrees() != null) {
        validator.intersectPermittedSubtree(read.getPermittedSubtrees());
      }
      if (read.getExcludedSubtrees() != null) {
        for (GeneralSubtree subtree : read.getExcludedSubtrees()) {
          validator.addExcludedSubtree(subtree);
        }
      }
      validator.checkPermitted(general);
      validator.checkExcluded(general);
      return "ok";
    } catch (Exception error) {
      return "refused";
    }
  }
}
