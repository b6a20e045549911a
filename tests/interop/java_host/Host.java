import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Runs the small programs one after another in one virtual machine: each run would begin one and read hundreds of classes for a few milliseconds of
 * work. None of them keeps anything from one run to the next.
 *
 * <p>Each line that comes in is a program's name and its arguments, between tabs. The answer is a line with "done" or "failed" and a number of
 * bytes, and so many bytes of UTF-8: what the program printed, or how it failed.
 */
public final class Host {
    private Host() {}

    public static void main(String[] arguments) throws Exception {
        BufferedReader asked = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream answers = System.out;
        for (String line = asked.readLine(); line != null; line = asked.readLine()) {
            String[] words = line.split("\t", -1);
            ByteArrayOutputStream told = new ByteArrayOutputStream();
            PrintStream out = new PrintStream(told, true, StandardCharsets.UTF_8);
            System.setOut(out);
            String end = "done";
            try {
                Object given = Arrays.copyOfRange(words, 1, words.length);
                Class.forName(words[0]).getMethod("main", String[].class).invoke(null, given);
            } catch (InvocationTargetException failure) {
                end = "failed";
                told.reset();
                failure.getCause().printStackTrace(out);
            }
            answers.println(end + " " + told.size());
            told.writeTo(answers);
            answers.flush();
        }
    }
}
