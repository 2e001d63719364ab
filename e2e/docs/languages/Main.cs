using System.Text;

for (var line = Console.ReadLine(); line is not null; line = Console.ReadLine())
{
    var parts = line.Split('\t').Select(Convert.FromBase64String).ToArray();
    var texts = parts.Select(Encoding.Latin1.GetString).ToArray();
    var now = DateTimeOffset.FromUnixTimeSeconds(long.Parse(texts[5]));
    Console.WriteLine(Webhook.Verify(texts[0], texts[1], texts[2], texts[3], parts[4], now) ? 1 : 0);
}
