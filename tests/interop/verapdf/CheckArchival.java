import java.io.File;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.PDFAValidator;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

/** Whether PDF files conform to PDF/A, by veraPDF. Arguments: flavour (such as 3b), files. One line "name=true" or "name=false rules" each. */
public final class CheckArchival {
    public static void main(String[] arguments) throws Exception {
        VeraGreenfieldFoundryProvider.initialise();
        PDFAFlavour flavour = PDFAFlavour.fromString(arguments[0]);
        for (int at = 1; at < arguments.length; at++) {
            File file = new File(arguments[at]);
            StringBuilder line = new StringBuilder(file.getName() + "=");
            try (PDFAParser parser = Foundries.defaultInstance().createParser(file, flavour);
                    PDFAValidator validator = Foundries.defaultInstance().createValidator(flavour, false)) {
                ValidationResult result = validator.validate(parser);
                line.append(result.isCompliant());
                for (TestAssertion assertion : result.getTestAssertions()) {
                    line.append(" ").append(assertion.getRuleId().getClause()).append("-").append(assertion.getRuleId().getTestNumber());
                    line.append(" (").append(assertion.getMessage().replaceAll("\\s+", " ")).append(")");
                }
            }
            System.out.println(line);
        }
    }
}
