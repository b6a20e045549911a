import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.math.BigInteger;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * 与 Seal.java 相同，适用于 Java 8。As Seal.java, for Java 8: javac SealJava8.java; java SealJava8 INPUT.pdf OUTPUT.pdf
 * 需要环境变量 Needs: YINXIN_URL YINXIN_CLIENT_ID YINXIN_CLIENT_SECRET YINXIN_SEAL_ID
 */
public class SealJava8 {
    private static final Map<String, String> NO_HEADERS = Collections.emptyMap();

    public static void main(String[] arguments) throws Exception {
        byte[] document = Files.readAllBytes(Paths.get(arguments[0]));

        // 1. 以应用身份取得令牌。A token in the client's own name.
        String login = System.getenv("YINXIN_CLIENT_ID") + ":" + System.getenv("YINXIN_CLIENT_SECRET");
        String basic = "Basic " + Base64.getEncoder().encodeToString(login.getBytes(StandardCharsets.UTF_8));
        byte[] grant = "grant_type=client_credentials".getBytes(StandardCharsets.UTF_8);
        byte[] answer = post("/oauth2/token", "application/x-www-form-urlencoded", Collections.singletonMap("Authorization", basic), grant);
        String token = member(answer, "access_token");

        // 2. 盖章；同一幂等键重试不会盖第二次。Seal it; a retry with the same key seals nothing again.
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("Authorization", "Bearer " + token);
        headers.put("Idempotency-Key", String.format("%064x", new BigInteger(1, MessageDigest.getInstance("SHA-256").digest(document))));
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("placement", "{\"page\": 1, \"x_mm\": 150, \"y_mm\": 60}");
        fields.put("reason", "办结 Settled");
        byte[] sealed = form("/v1/seals/" + System.getenv("YINXIN_SEAL_ID") + "/signatures", headers, fields, document);
        Files.write(Paths.get(arguments[1]), sealed);

        // 3. 核验，不需要令牌。Anybody may verify, without a token.
        String verdict = member(form("/v1/verifications", NO_HEADERS, NO_HEADERS, sealed), "verdict");
        System.out.println(arguments[1] + ": " + verdict);
        System.exit("valid".equals(verdict) ? 0 : 1);
    }

    private static byte[] form(String path, Map<String, String> headers, Map<String, String> fields, byte[] document) throws IOException {
        String boundary = UUID.randomUUID().toString();
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        for (Map.Entry<String, String> field : fields.entrySet()) {
            body.write(("--" + boundary + "\r\ncontent-disposition: form-data; name=\"" + field.getKey() + "\"\r\n\r\n"
                + field.getValue() + "\r\n").getBytes(StandardCharsets.UTF_8));
        }
        body.write(("--" + boundary + "\r\ncontent-disposition: form-data; name=\"document\"; filename=\"document.pdf\"\r\n"
            + "content-type: application/pdf\r\n\r\n").getBytes(StandardCharsets.UTF_8));
        body.write(document);
        body.write(("\r\n--" + boundary + "--\r\n").getBytes(StandardCharsets.UTF_8));
        return post(path, "multipart/form-data; boundary=" + boundary, headers, body.toByteArray());
    }

    private static byte[] post(String path, String contentType, Map<String, String> headers, byte[] body) throws IOException {
        HttpURLConnection connection = (HttpURLConnection) new URL(System.getenv("YINXIN_URL") + path).openConnection();
        connection.setConnectTimeout(10_000);
        connection.setReadTimeout(30_000);
        connection.setRequestMethod("POST");
        connection.setDoOutput(true);
        connection.setFixedLengthStreamingMode(body.length);
        connection.setRequestProperty("Content-Type", contentType);
        for (Map.Entry<String, String> header : headers.entrySet()) {
            connection.setRequestProperty(header.getKey(), header.getValue());
        }
        try (OutputStream out = connection.getOutputStream()) {
            out.write(body);
        }
        boolean isGood = connection.getResponseCode() / 100 == 2;
        byte[] answer = read(isGood ? connection.getInputStream() : connection.getErrorStream());
        if (!isGood) { // application/problem+json：code 稳定不变 is stable
            throw new IOException(new String(answer, StandardCharsets.UTF_8));
        }
        return answer;
    }

    private static byte[] read(InputStream in) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        byte[] part = new byte[8192];
        try (InputStream from = in) {
            for (int read = from.read(part); read >= 0; read = from.read(part)) {
                all.write(part, 0, read);
            }
        }
        return all.toByteArray();
    }

    /** 演示用：取 JSON 中第一个同名成员；正式系统请用 JSON 库。For show: the first member of that name; use a JSON library in earnest. */
    private static String member(byte[] json, String name) {
        Matcher found = Pattern.compile("\"" + name + "\"\\s*:\\s*\"([^\"]*)\"").matcher(new String(json, StandardCharsets.UTF_8));
        if (!found.find()) {
            throw new IllegalStateException("no " + name);
        }
        return found.group(1);
    }
}
