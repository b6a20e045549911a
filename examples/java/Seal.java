import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * 令牌 → 盖章 → 核验，只用 JDK 17。Token, seal, verify with JDK 17 alone: java Seal.java INPUT.pdf OUTPUT.pdf
 * 需要环境变量 Needs: YINXIN_URL YINXIN_CLIENT_ID YINXIN_CLIENT_SECRET YINXIN_SEAL_ID
 */
public class Seal {
    private static final HttpClient HTTP = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();
    private static final String URL = System.getenv("YINXIN_URL");

    public static void main(String[] arguments) throws Exception {
        byte[] document = Files.readAllBytes(Path.of(arguments[0]));

        // 1. 以应用身份取得令牌。A token in the client's own name.
        String login = System.getenv("YINXIN_CLIENT_ID") + ":" + System.getenv("YINXIN_CLIENT_SECRET");
        String basic = Base64.getEncoder().encodeToString(login.getBytes(StandardCharsets.UTF_8));
        HttpRequest asked = request("/oauth2/token")
            .header("authorization", "Basic " + basic)
            .header("content-type", "application/x-www-form-urlencoded")
            .POST(BodyPublishers.ofString("grant_type=client_credentials")).build();
        String token = member(text(asked), "access_token");

        // 2. 盖章；同一幂等键重试不会盖第二次。Seal it; a retry with the same key seals nothing again.
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(document);
        byte[] sealed = send(form("/v1/seals/" + System.getenv("YINXIN_SEAL_ID") + "/signatures", document,
                Map.of("placement", "{\"page\": 1, \"x_mm\": 150, \"y_mm\": 60}", "reason", "办结 Settled"))
            .header("authorization", "Bearer " + token)
            .header("idempotency-key", HexFormat.of().formatHex(digest, 0, 16)).build());
        Files.write(Path.of(arguments[1]), sealed);

        // 3. 核验，不需要令牌。Anybody may verify, without a token.
        String verdict = member(text(form("/v1/verifications", sealed, Map.of()).build()), "verdict");
        System.out.println(arguments[1] + ": " + verdict);
        System.exit("valid".equals(verdict) ? 0 : 1);
    }

    private static HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(URL + path)).timeout(Duration.ofSeconds(30));
    }

    private static HttpRequest.Builder form(String path, byte[] document, Map<String, String> fields) throws Exception {
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
        return request(path).header("content-type", "multipart/form-data; boundary=" + boundary)
            .POST(BodyPublishers.ofByteArray(body.toByteArray()));
    }

    private static byte[] send(HttpRequest request) throws Exception {
        HttpResponse<byte[]> answer = HTTP.send(request, BodyHandlers.ofByteArray());
        if (answer.statusCode() / 100 != 2) { // application/problem+json：code 稳定不变 is stable
            throw new IllegalStateException(new String(answer.body(), StandardCharsets.UTF_8));
        }
        return answer.body();
    }

    private static String text(HttpRequest request) throws Exception {
        return new String(send(request), StandardCharsets.UTF_8);
    }

    /** 演示用：取 JSON 中第一个同名成员；正式系统请用 JSON 库。For show: the first member of that name; use a JSON library in earnest. */
    private static String member(String json, String name) {
        Matcher found = Pattern.compile("\"" + name + "\"\\s*:\\s*\"([^\"]*)\"").matcher(json);
        if (!found.find()) {
            throw new IllegalStateException("no " + name);
        }
        return found.group(1);
    }
}
