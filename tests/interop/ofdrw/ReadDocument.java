import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import org.ofdrw.core.attachment.CT_Attachment;
import org.ofdrw.core.basicStructure.ofd.docInfo.CT_DocInfo;
import org.ofdrw.core.basicStructure.ofd.docInfo.CustomData;
import org.ofdrw.core.basicStructure.ofd.docInfo.CustomDatas;
import org.ofdrw.reader.ContentExtractor;
import org.ofdrw.reader.OFDReader;
import org.ofdrw.reader.PageInfo;

/** What ofdrw reads in an OFD document, as lines "key=value", texts in Base64. Argument: the file. */
public final class ReadDocument {
    private ReadDocument() {}

    public static void main(String[] arguments) throws Exception {
        try (OFDReader reader = new OFDReader(Path.of(arguments[0]))) {
            CT_DocInfo info = reader.getOFDDir().getOfd().getDocBody().getDocInfo();
            System.out.println("id=" + info.getDocID());
            System.out.println("title=" + encoded(info.getTile()));
            CustomDatas datas = info.getCustomDatas();
            if (datas != null) {
                for (CustomData data : datas.getCustomDatas()) {
                    System.out.println("custom." + data.getDataName() + "=" + encoded(data.getValue()));
                }
            }
            System.out.println("pages=" + reader.getNumberOfPages());
            ContentExtractor texts = new ContentExtractor(reader);
            for (int page = 1; page <= reader.getNumberOfPages(); page++) {
                PageInfo place = reader.getPageInfo(page);
                System.out.println("size." + page + "=" + place.getSize().getWidth() + "x" + place.getSize().getHeight());
                List<String> found = texts.getPageContent(page);
                System.out.println("text." + page + "=" + encoded(String.join("\n", found)));
            }
            for (CT_Attachment attachment : reader.getAttachmentList()) {
                Path file = reader.getAttachmentFile(attachment);
                System.out.println("attachment." + attachment.getAttachmentName() + "=" + encoded(Files.readAllBytes(file)));
            }
        }
    }

    private static String encoded(String text) {
        return text == null ? "" : encoded(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String encoded(byte[] data) {
        return Base64.getEncoder().encodeToString(data);
    }
}
