import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;

final class Main {
  public static void main(String[] args) throws Exception {
    var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    for (var line = lines.readLine(); line != null; line = lines.readLine()) {
      var parts = line.split("\t", -1);
      var now = Instant.ofEpochSecond(Long.parseLong(text(parts[5])));
      var body = Base64.getDecoder().decode(parts[4]);
      var accepted = Webhook.verify(text(parts[0]), text(parts[1]), text(parts[2]), text(parts[3]), body, now);
      System.out.println(accepted ? 1 : 0);
    }
  }

  // As servlets give headers.
  private static String text(String part) {
    return new String(Base64.getDecoder().decode(part), StandardCharsets.ISO_8859_1);
  }
}
